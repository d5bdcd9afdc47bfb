//! `cargo xtask image`: the operator's container image, without a container engine.

mod build;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hooked_cluster::{Image, Layer, write_archive};

pub(crate) use build::{Architecture, By, CLibrary, Program, build as build_program, executable};

/// The image's name; `config/manager` names the same.
pub(crate) const NAME: &str = "hooked.dev/hooked:dev";

/// The programs of the image. The first is what the image runs; the second is copied or mounted into users' Pods, where
/// size and start-up count.
pub(crate) const PROGRAMS: [Program; 2] = [
    Program { name: "hooked-controller", c_library: CLibrary::Gnu, flags: "-C target-feature=+crt-static" },
    Program {
        name: "hook-runner",
        c_library: CLibrary::Musl,
        flags: "-C target-feature=+crt-static -C relocation-model=static",
    },
];

/// Nobody in particular, and not root.
const USER: &str = "65532:65532";

/// Where the image goes.
#[derive(Args)]
pub(crate) struct Options {
    /// Write the image to this tar file, as `docker save` would; `docker load` and `ctr images import` read it.
    #[arg(long, required_unless_present = "binaries")]
    output: Option<PathBuf>,
    /// Leave the static programs in this directory, which can then stand in for the build stage of the Dockerfile.
    #[arg(long)]
    binaries: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = static_programs()?;
    if let Some(directory) = &options.binaries {
        copy_to(directory, &programs)?;
    }
    if let Some(output) = &options.output {
        let size = write_image(output, &programs)?;
        println!("wrote {NAME} to {}, {size} bytes", output.display());
    }
    Ok(())
}

/// Builds the image for demo and tests, and returns where it is.
pub(crate) fn build() -> Result<PathBuf> {
    let programs = static_programs()?;
    let output = workspace()?.join("target/hooked-image.tar");
    write_image(&output, &programs)?;
    Ok(output)
}

/// Builds the operator as it is in the image, and returns where it is.
pub(crate) fn build_operator() -> Result<PathBuf> {
    build::static_program(PROGRAMS[0])
}

/// Builds the hook-runner as it is in the image, and returns where it is.
pub(crate) fn build_runner() -> Result<PathBuf> {
    build::static_program(PROGRAMS[1])
}

fn static_programs() -> Result<Vec<PathBuf>> {
    PROGRAMS.into_iter().map(build::static_program).collect()
}

fn write_image(output: &Path, programs: &[PathBuf]) -> Result<usize> {
    let mut layer = Layer::new();
    for (program, built) in PROGRAMS.iter().zip(programs) {
        layer.copy(program.name, built)?;
    }
    let (entrypoint, stop_signal) = (&["/hooked-controller"], "SIGTERM");
    let image = Image { name: NAME, layer, user: USER, entrypoint, command: &[], stop_signal };
    write_archive(vec![image], output)
}

fn copy_to(directory: &Path, programs: &[PathBuf]) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for program in programs {
        let name = program.file_name().context("a program without a name")?;
        let to = directory.join(name);
        fs::copy(program, &to).with_context(|| format!("cannot write {}", to.display()))?;
        println!("wrote {}", to.display());
    }
    Ok(())
}

/// The root of the workspace.
pub(crate) fn workspace() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in no workspace")
}
