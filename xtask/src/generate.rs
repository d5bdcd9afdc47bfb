//! `cargo xtask generate`: the files that follow from the code.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

/// Where the definition of HookedWorkloads is kept.
const DEFINITION: &str = "config/crd/hooked.dev_hookedworkloads.yaml";

/// Whether to write or to compare.
#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a file is not up to date.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = hooked_crd::custom_resource_definition_yaml()?;
    let file = crate::image::workspace()?.join(DEFINITION);
    if options.check { check(&file, &wanted) } else { write(&file, &wanted) }
}

fn check(file: &Path, wanted: &str) -> Result<()> {
    let found = fs::read_to_string(file).unwrap_or_default();
    if found != wanted {
        bail!(
            "{DEFINITION} is not what the types in crd/src say; run `cargo xtask generate` and commit the file"
        );
    }
    println!("{DEFINITION} is up to date");
    Ok(())
}

fn write(file: &Path, wanted: &str) -> Result<()> {
    fs::write(file, wanted).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {DEFINITION}");
    Ok(())
}
