//! `cargo xtask bench control-plane`: builds the operator as it ships and the program that measures it, and runs that.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::image;
use crate::test::cargo;

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// Another build of the operator, to be measured in place of this one.
    #[arg(long)]
    operator: Option<PathBuf>,
    /// What the program is told: `-- --scenario create:1x1000 --contender deployment --contender hooked`, say.
    #[arg(last = true)]
    words: Vec<OsString>,
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Result<()> {
    let operator = match &options.operator {
        Some(operator) => std::path::absolute(operator)?,
        None => image::build_operator()?,
    };
    // Files are named from where the user stands.
    let here = std::env::current_dir().context("there is no current directory")?;
    let mut bench = cargo::command(&["run", "--release", "--manifest-path"])?;
    bench.current_dir(here).arg(image::workspace()?.join("Cargo.toml"));
    bench.args(["--package", "hooked-e2e", "--bin", "control-plane", "--", "--operator"]).arg(operator);
    let status = bench.args(&options.words).status().context("cannot start cargo")?;
    ensure!(status.success(), "the benchmark failed");
    Ok(())
}
