//! The programs of a release, and those with which it is made.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::image::{Architecture, By, CLibrary, Program, build_program};
use crate::test::cargo;

/// The plugin, which must run on whatever Linux there is.
pub(super) const PLUGIN: Program =
    Program { name: "kubectl-hooked", c_library: CLibrary::Musl, flags: "-C target-feature=+crt-static" };

/// The plugin for Windows.
pub(super) const PLUGIN_FOR_WINDOWS: Program =
    Program { name: "kubectl-hooked", c_library: CLibrary::MinGw, flags: "" };

/// What the programs are made of is written into them by this, and read from them by that. crates.io has both.
const AUDITING: [(&str, &str); 2] = [("cargo-auditable", "0.7.7"), ("auditable2cdx", "0.1.0")];

/// What must be installed: a program and its Debian package each.
pub(super) fn needed(options: &Options) -> Vec<(&'static str, &'static str)> {
    let mut needed = vec![("buildah", "buildah")];
    // Debian leaves the C library out where only what is needed is installed.
    let foreign: [&[(&str, &str)]; 2] = [
        &[
            ("x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu"),
            ("x86_64-linux-gnu-gcc", "libc6-dev-amd64-cross"),
        ],
        &[
            ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
            ("aarch64-linux-gnu-gcc", "libc6-dev-arm64-cross"),
        ],
    ];
    for (architecture, packages) in [Architecture::Amd64, Architecture::Arm64].into_iter().zip(foreign) {
        let is_foreign = Architecture::of_machine().ok() != Some(architecture);
        if is_foreign && options.architectures.contains(&architecture) {
            needed.extend(packages);
        }
    }
    if !options.no_windows {
        needed.push(("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"));
    }
    needed
}

/// The programs with which a release is made.
pub(super) struct Tools {
    auditable: PathBuf,
    to_cyclonedx: PathBuf,
}

impl Tools {
    /// Finds them, and installs what the cache lacks.
    pub(super) fn find() -> Result<Self> {
        let [auditable, to_cyclonedx] = AUDITING.map(|(name, version)| cargo::installed(name, version));
        Ok(Self { auditable: auditable?, to_cyclonedx: to_cyclonedx? })
    }

    /// Builds a program that says what it is made of.
    pub(super) fn build(&self, program: Program, architecture: Architecture) -> Result<PathBuf> {
        build_program(program, architecture, &By::Auditable(&self.auditable))
    }

    /// What a program is made of, as `CycloneDX` has it: read from the program itself.
    pub(super) fn bill_of_materials(&self, program: &Path) -> Result<Vec<u8>> {
        let output = std::process::Command::new(&self.to_cyclonedx).arg(program).output();
        let output = output.context("cannot start auditable2cdx")?;
        ensure!(
            output.status.success() && !output.stdout.is_empty(),
            "{} does not say what it is made of: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(output.stdout)
    }
}
