//! Builds programs that need nothing of the image they run in: neither a C library nor a loader.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::test::cargo;

/// A program that is built without a C library of its machine: package and binary are named alike.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The C library that goes into it, as targets name it.
    pub(crate) c_library: CLibrary,
    /// What rustc is told besides, to make it static.
    pub(crate) flags: &'static str,
}

/// A C library.
#[derive(Clone, Copy)]
pub(crate) enum CLibrary {
    /// That of every machine that can build at all.
    Gnu,
    /// One that is there as soon as the program runs: the other finds out all about the processor first, which takes
    /// half a millisecond in a virtual machine. Rust brings it along.
    Musl,
    /// That of Windows, by MinGW.
    MinGw,
}

/// A kind of processor, as images name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// That of this machine.
    pub(crate) fn of_machine() -> Result<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self::Amd64),
            "aarch64" => Ok(Self::Arm64),
            other => bail!("images are not made for {other}: amd64 and arm64 are known"),
        }
    }

    /// Its name in images.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Its name in Rust's targets, and in those of GNU.
    fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// The C compiler for it on this machine.
    pub(crate) fn compiler(self) -> Result<String> {
        let own = Self::of_machine()? == self;
        Ok(if own { "cc".to_owned() } else { format!("{}-linux-gnu-gcc", self.machine()) })
    }
}

impl CLibrary {
    fn target(self, architecture: Architecture) -> String {
        let system = match self {
            Self::Gnu => "unknown-linux-gnu",
            Self::Musl => "unknown-linux-musl",
            Self::MinGw => "pc-windows-gnu",
        };
        format!("{}-{system}", architecture.machine())
    }

    /// The target with this C library; where that of musl cannot be had, as on a machine that reaches no server of
    /// Rust's, the one that every machine has.
    fn installed(self, architecture: Architecture) -> Result<String> {
        let target = self.target(architecture);
        if install(&target) {
            return Ok(target);
        }
        let instead = Self::Gnu.target(architecture);
        ensure!(
            matches!(self, Self::Musl) && architecture == Architecture::of_machine()?,
            "Rust's library for {target} is missing, and rustup cannot install it"
        );
        eprintln!(
            "Rust's library for {target} is missing, and rustup cannot install it: {instead} takes its place, and the \
             program is larger and starts later than it does with the other"
        );
        Ok(instead)
    }
}

/// How cargo is called.
pub(crate) enum By<'a> {
    /// As it is.
    Cargo,
    /// Through cargo-auditable, which writes into the program what it is made of; the file is that program.
    Auditable(&'a Path),
}

/// Builds a program for this machine, and tells where it is.
pub(super) fn static_program(program: Program) -> Result<PathBuf> {
    build(program, Architecture::of_machine()?, &By::Cargo)
}

/// Builds a program statically, and tells where it is. It is the same whatever the folders' names are in which it is
/// built.
pub(crate) fn build(program: Program, architecture: Architecture, by: &By) -> Result<PathBuf> {
    let Program { name, c_library, .. } = program;
    let target = c_library.installed(architecture)?;
    let mut build = match by {
        By::Cargo => cargo::command(&[])?,
        By::Auditable(auditable) => {
            let mut build = Command::new(auditable);
            build.arg("auditable");
            cargo::forget_own_package(&mut build);
            build
        }
    };
    let mut build = build
        .current_dir(super::workspace()?)
        .args(["build", "--locked", "--profile", "image", "--package", name, "--bin", name])
        // Naming the target keeps the flags below from programs that run during the build: a macro cannot be static.
        .args(["--target", &target])
        .args(["--message-format", "json-render-diagnostics"])
        .envs(environment(program, architecture, &target)?)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = build.stdout.take().context("cargo says nothing")?;
    let executable =
        BufReader::new(messages).lines().map_while(Result::ok).filter_map(|line| executable(&line)).last();
    ensure!(build.wait()?.success(), "{name} does not build for {target}");
    executable.with_context(|| format!("cargo built no program {name}"))
}

/// What the compilers are told: the C compiler and linker for the architecture, and names for this machine's folders
/// that are the same on every machine, since messages of panics have them.
fn environment(program: Program, architecture: Architecture, target: &str) -> Result<Vec<(String, String)>> {
    let workspace = super::workspace()?.display().to_string();
    let home =
        std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let home = home.context("neither CARGO_HOME nor HOME is set")?;
    let renamed = [(&workspace, "/hooked"), (&home, "/cargo")];
    let for_rustc = renamed.map(|(folder, name)| format!("--remap-path-prefix={folder}={name}")).join(" ");
    let for_c = renamed.map(|(folder, name)| format!("-ffile-prefix-map={folder}={name}")).join(" ");
    let mut set = vec![
        ("RUSTFLAGS".to_owned(), format!("{} {for_rustc}", program.flags).trim().to_owned()),
        ("TARGET_CFLAGS".to_owned(), for_c),
    ];
    if !matches!(program.c_library, CLibrary::MinGw) {
        // The C in our dependencies needs the compiler alone; a C library's own compiler would have to be installed.
        let compiler = architecture.compiler()?;
        set.push(("TARGET_CC".to_owned(), compiler.clone()));
        // What is built to run during the build has the machine's own target, whose linker is this one anyhow: were it
        // named in some builds and not in others, each would have all of that built anew by the next.
        if target != CLibrary::Gnu.target(Architecture::of_machine()?) {
            let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
            set.push((linker, compiler));
        }
    }
    Ok(set)
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

    #[test]
    fn no_folder_of_this_machine_gets_into_a_program() {
        let program = Program { name: "x", c_library: CLibrary::Gnu, flags: "-C a=b" };
        let set =
            environment(program, Architecture::of_machine().unwrap(), "x86_64-unknown-linux-gnu").unwrap();
        let workspace = super::super::workspace().unwrap().display().to_string();
        for (name, prefix) in [("RUSTFLAGS", "--remap-path-prefix"), ("TARGET_CFLAGS", "-ffile-prefix-map")] {
            let (_, flags) = set.iter().find(|(set, _)| set == name).unwrap();
            assert!(flags.contains(&format!("{prefix}={workspace}=/hooked")), "{name}: {flags}");
        }
    }

    #[test]
    fn what_runs_during_a_build_is_linked_alike_in_every_build() {
        let own = Architecture::of_machine().unwrap();
        let host = format!("CARGO_TARGET_{}_", CLibrary::Gnu.target(own).to_uppercase().replace('-', "_"));
        for c_library in [CLibrary::Gnu, CLibrary::Musl] {
            let program = Program { name: "x", c_library, flags: "" };
            let set = environment(program, own, &c_library.target(own)).unwrap();
            assert!(set.iter().all(|(name, _)| !name.starts_with(&host)), "{set:?}");
        }
    }
}
