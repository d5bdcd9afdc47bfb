//! What we depend on, held to `deny.toml` by cargo-deny.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cargo;

/// The release that is installed where the machine has none.
const VERSION: &str = "0.20.2";

/// Checks everything but advisories, whose database is not part of this tree.
pub(super) fn check() -> Result<()> {
    let arguments = ["--log-level", "error", "check", "bans", "licenses", "sources"];
    if Command::new("cargo-deny").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return cargo::run(&[&["deny"], arguments.as_slice()].concat());
    }
    let status = Command::new(cargo::installed("cargo-deny", VERSION)?)
        .current_dir(crate::image::workspace()?)
        .args(arguments)
        .status()
        .context("cannot start cargo-deny")?;
    ensure!(status.success(), "deny.toml does not allow what we depend on");
    Ok(())
}
