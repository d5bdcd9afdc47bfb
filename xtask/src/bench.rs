//! `cargo xtask bench`: figures, side by side with the alternative in one run.

mod control_plane;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

use crate::image;
use crate::test::cargo;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Subject {
    /// What the hook-runner adds to a hook: time, size, memory, with the live channel and without; beside a bare exec
    /// and, if it is there, tini-static.
    Runner {
        /// How often each contender runs.
        #[arg(long, default_value_t = 1000)]
        rounds: u32,
        /// tini-static, as Debian's package `tini` has it in /usr/bin.
        #[arg(long, default_value = "/usr/bin/tini-static")]
        tini: PathBuf,
    },
    /// How far the durations that the hook-runner records are from what the hook measures itself.
    Duration {
        /// How often each contender runs alone; a tenth as often with many at once.
        #[arg(long, default_value_t = 300)]
        rounds: u32,
        /// How many are many.
        #[arg(long, default_value_t = 50)]
        at_once: u32,
        /// Another build of the runner, to stand beside.
        #[arg(long)]
        beside: Option<PathBuf>,
    },
    /// What HookedWorkloads cost beside Deployments: the operator and the controller manager in turn, each on a control
    /// plane of its own. `-- --help` tells what can be chosen.
    ControlPlane(control_plane::Options),
}

/// Runs the command.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    let with_runner =
        || -> Result<Vec<OsString>> { Ok(vec!["--runner".into(), image::build_runner()?.into()]) };
    match subject {
        Subject::ControlPlane(options) => control_plane::run(options),
        Subject::Runner { rounds, tini } => {
            let mut words = with_runner()?;
            words.extend(["--rounds".into(), rounds.to_string().into()]);
            if tini.exists() {
                words.extend(["--tini".into(), tini.into()]);
            } else {
                eprintln!("without tini-static: {} is not there (apt-get install tini)", tini.display());
            }
            example("startup", &words)
        }
        Subject::Duration { rounds, at_once, beside } => {
            let mut words = with_runner()?;
            words.extend(["--rounds".into(), rounds.to_string().into()]);
            words.extend(["--at-once".into(), at_once.to_string().into()]);
            words.extend(beside.iter().flat_map(|runner| ["--runner".into(), runner.into()]));
            example("accuracy", &words)
        }
    }
}

/// Runs an example of the hook-runner, built statically: one of them is a hook itself, and is not to be charged for the
/// time that its libraries take to load.
fn example(name: &str, words: &[OsString]) -> Result<()> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut bench = cargo::command(&["run", "--release", "--target", &target])?;
    bench.env("RUSTFLAGS", "-C target-feature=+crt-static");
    bench.args(["--package", "hook-runner", "--example", name, "--"]).args(words);
    let status = bench.status().context("cannot start cargo")?;
    ensure!(status.success(), "the benchmark failed");
    Ok(())
}
