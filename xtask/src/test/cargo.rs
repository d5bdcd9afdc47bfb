//! Cargo, as a developer would call it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hooked_cluster::{Progress, cache, release};

use super::stages::Tally;
use crate::image;

/// Runs cargo to its end.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let status = command(arguments)?.status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments[0]);
    Ok(())
}

/// Runs `cargo test`, passes on what it says and counts the tests.
pub(super) fn test(
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
    shown: &mut dyn Write,
) -> Result<Tally> {
    let mut child = command(&[&["test"], arguments].concat())?
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo says nothing")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        writeln!(shown, "{line}")?;
        tally = tally + read(&line).unwrap_or_default();
    }
    let status = child.wait()?;
    // A program that does not build, or dies, fails no test.
    ensure!(status.success() || tally.failed > 0, "cargo test failed");
    Ok(tally)
}

/// Builds a program of the workspace as tests are built, and tells where it is.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    // With the whole workspace, so that dependencies are the same as in the other stages and are not built again.
    let mut child =
        command(&["build", "--workspace", "--bin", name, "--message-format", "json-render-diagnostics"])?
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo")?;
    let messages = child.stdout.take().context("cargo says nothing")?;
    let lines = BufReader::new(messages).lines().map_while(Result::ok);
    let built = lines.filter_map(|line| image::executable(&line)).last();
    ensure!(child.wait()?.success(), "{name} does not build");
    built.with_context(|| format!("cargo built no program {name}"))
}

/// Cargo without what the cargo that has started us has told us: dependencies that read it would be built anew.
pub(crate) fn command(arguments: &[&str]) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(image::workspace()?).args(arguments);
    forget_own_package(&mut command);
    Ok(command)
}

/// Takes away what cargo has told this program about its own package: build scripts that look at it would run anew.
pub(crate) fn forget_own_package(command: &mut Command) {
    let told = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| told.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
}

/// Reads a line such as `test result: ok. 3 passed; 0 failed; …`.
fn read(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |what: &str| {
        let (number, _) =
            counts.split("; ").find_map(|part| part.split_once(what).filter(|(n, _)| !n.is_empty()))?;
        number.trim().parse().ok()
    };
    Some(Tally { passed: count(" passed")?, failed: count(" failed")? })
}

/// A program of crates.io in this version, installed beside the cluster's programs if it is not there.
pub(crate) fn installed(name: &str, version: &str) -> Result<PathBuf> {
    let place = release::kept(&format!("{name}-{version}"))?;
    let progress = Progress::new(|line| eprintln!("{line}"));
    cache::once(&place, &progress, |draft| {
        let root = draft.display().to_string();
        run(&["install", name, "--locked", "--quiet", "--version", version, "--root", &root])
    })?;
    Ok(place.join("bin").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_a_test_program_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 1.2s";
        assert_eq!(read(line), Some(Tally { passed: 12, failed: 3 }));
        assert_eq!(
            read("test result: ok. 1 passed; 0 failed; 0 ignored"),
            Some(Tally { passed: 1, failed: 0 })
        );
        assert_eq!(read("test wait::tests::something ... ok"), None);
    }
}
