//! What another program prints.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs a program in a folder and returns what it prints; an error has what it says.
pub(crate) fn output(folder: &Path, program: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program).current_dir(folder).args(arguments).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), said.trim());
    Ok(output.stdout)
}

/// The same of a program that prints text.
pub(crate) fn text(folder: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let printed = output(folder, program, arguments)?;
    String::from_utf8(printed).with_context(|| format!("{program} prints no text"))
}
