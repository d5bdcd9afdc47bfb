//! Builds programs that need nothing of the image they run in: neither a C library nor a loader.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A program of the image: package and binary are named alike.
#[derive(Clone, Copy)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The C library that goes into it, as targets name it.
    pub(super) c_library: CLibrary,
    /// What rustc is told besides, to make it static.
    pub(super) flags: &'static str,
}

/// A C library.
#[derive(Clone, Copy)]
pub(super) enum CLibrary {
    /// That of every machine that can build at all.
    Gnu,
    /// One that is there as soon as the program runs: the other finds out all about the processor first, which takes
    /// half a millisecond in a virtual machine. Rust brings it along.
    Musl,
}

impl CLibrary {
    fn target(self) -> String {
        let name = match self {
            Self::Gnu => "gnu",
            Self::Musl => "musl",
        };
        format!("{}-unknown-linux-{name}", std::env::consts::ARCH)
    }

    /// The target with this C library; where that cannot be had, as on a machine that reaches no server of Rust's, the
    /// one that every machine has.
    fn installed(self) -> String {
        let target = self.target();
        if install(&target) {
            return target;
        }
        let instead = Self::Gnu.target();
        eprintln!(
            "Rust's library for {target} is missing, and rustup cannot install it: {instead} takes its place, and the \
             hook-runner is larger and starts later than it does with the other"
        );
        instead
    }
}

/// Builds a program statically, and tells where it is.
pub(super) fn static_program(program: Program) -> Result<PathBuf> {
    let Program { name, c_library, flags } = program;
    let target = c_library.installed();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo)
        .current_dir(super::workspace()?)
        .args(["build", "--profile", "image", "--package", name, "--bin", name])
        // Naming the target keeps the flag below from programs that run during the build: a macro cannot be static.
        .args(["--target", &target])
        .args(["--message-format", "json-render-diagnostics"])
        .env("RUSTFLAGS", flags)
        // The C in our dependencies needs the compiler alone; a C library's own compiler would have to be installed.
        .env("TARGET_CC", "cc")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = build.stdout.take().context("cargo says nothing")?;
    let executable =
        BufReader::new(messages).lines().map_while(Result::ok).filter_map(|line| executable(&line)).last();
    ensure!(build.wait()?.success(), "{name} does not build");
    executable.with_context(|| format!("cargo built no program {name}"))
}

/// Has rustup install Rust's library for that target, unless it is there; whether it is there then.
fn install(target: &str) -> bool {
    let asked = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let directory = asked.ok().and_then(|asked| String::from_utf8(asked.stdout).ok());
    if directory.is_some_and(|directory| Path::new(directory.trim()).is_dir()) {
        return true;
    }
    let status = Command::new("rustup").args(["target", "add", target]).status();
    status.is_ok_and(|status| status.success())
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
