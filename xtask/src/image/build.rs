//! Builds programs that need nothing of the image they run in: neither a C library nor a loader.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A program of the image: package and binary are named alike.
#[derive(Clone, Copy)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The cargo profile that it is built with.
    pub(super) profile: &'static str,
    /// What rustc is told besides, to make it static.
    pub(super) flags: &'static str,
}

/// Builds a program statically, and tells where it is.
pub(super) fn static_program(program: Program) -> Result<PathBuf> {
    let Program { name, profile, flags } = program;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo)
        .current_dir(super::workspace()?)
        .args(["build", "--profile", profile, "--package", name, "--bin", name])
        // Naming the target keeps the flag below from programs that run during the build: a macro cannot be static.
        .args(["--target", &target()])
        .args(["--message-format", "json-render-diagnostics"])
        .env("RUSTFLAGS", flags)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = build.stdout.take().context("cargo says nothing")?;
    let executable =
        BufReader::new(messages).lines().map_while(Result::ok).filter_map(|line| executable(&line)).last();
    ensure!(build.wait()?.success(), "{name} does not build");
    executable.with_context(|| format!("cargo built no program {name}"))
}

/// The target with the C library that is there on every machine that can build at all.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The program that one of cargo's messages tells of, if it does.
pub(crate) fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, program: Option<&str>) {
        assert_eq!(executable(message), program.map(PathBuf::from), "{message}");
    }

    #[test]
    fn only_a_message_about_a_program_names_one() {
        check(r#"{"reason":"compiler-artifact","executable":"/t/release/x"}"#, Some("/t/release/x"));
        check(r#"{"reason":"compiler-artifact","executable":null}"#, None);
        check(r#"{"reason":"build-finished","success":true}"#, None);
        check("not JSON", None);
    }
}
