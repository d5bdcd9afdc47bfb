//! Checksums of all files, and the signature over them.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hooked_cluster::release as programs;
use sha2::{Digest, Sha256};

use super::Release;

/// The file of the checksums, as `sha256sum --check` reads it.
const SUMS: &str = "checksums.txt";

/// Writes the checksums of all that is there, and with a key signs them: who has checked the signature and the
/// checksums has checked every file.
pub(super) fn write(release: &Release) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&release.options.output)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut sums = String::new();
    for name in names {
        // Writing to a text cannot fail.
        let _ = writeln!(sums, "{}  {name}", of(&release.file(&name))?);
    }
    fs::write(release.file(SUMS), sums)?;
    match &release.options.key {
        Some(key) => sign(release, key),
        None => Ok(()),
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub(super) fn of(file: &Path) -> Result<String> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{:x}", Sha256::digest(content)))
}

/// Signs the checksums without any server: neither a log of signatures nor a clock is asked.
fn sign(release: &Release, key: &Path) -> Result<()> {
    let cosign = programs::cosign(&release.progress)?;
    let bundle = release.file(&format!("{SUMS}.sigstore.json"));
    let mut signing = Command::new(cosign);
    signing
        .args(["sign-blob", "--yes", "--use-signing-config=false", "--tlog-upload=false", "--key"])
        .arg(key);
    signing.arg("--bundle").arg(&bundle).arg(release.file(SUMS));
    let signed = signing.output().context("cannot start cosign")?;
    ensure!(signed.status.success(), "cosign: {}", String::from_utf8_lossy(&signed.stderr).trim());
    Ok(())
}
