//! Manual pages of the plugin: not kept in the repository, but made for who packs a release.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::test::cargo;

/// Writes a page for each command of the plugin into a directory, which is made if it is not there.
pub(crate) fn pages(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    // cargo runs elsewhere.
    let directory =
        directory.canonicalize().with_context(|| format!("cannot find {}", directory.display()))?;
    let mut written = cargo::command(&["run", "--quiet", "--package", "kubectl-hooked", "--", "__man"])?;
    written.arg(&directory);
    ensure!(written.status().context("cannot start cargo")?.success(), "no manual pages were written");
    println!("wrote manual pages into {}", directory.display());
    Ok(())
}
