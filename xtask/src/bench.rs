//! `cargo xtask bench`: figures, side by side with the alternative in one run.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

use crate::image;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Subject {
    /// What the hook-runner adds to a hook: time, size, memory; beside a bare exec and, if it is there, tini-static.
    Runner {
        /// How often each contender runs.
        #[arg(long, default_value_t = 1000)]
        rounds: u32,
        /// tini-static, as Debian's package `tini` has it in /usr/bin.
        #[arg(long, default_value = "/usr/bin/tini-static")]
        tini: std::path::PathBuf,
    },
}

/// Runs the command.
pub(crate) fn run(subject: &Subject) -> Result<()> {
    let Subject::Runner { rounds, tini } = subject;
    let runner = image::build_runner()?;
    let mut bench = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    bench.current_dir(image::workspace()?);
    bench.args(["run", "--release", "--package", "hook-runner", "--example", "startup", "--", "--runner"]);
    bench.arg(runner).args(["--rounds", &rounds.to_string()]);
    if tini.exists() {
        bench.arg("--tini").arg(tini);
    } else {
        eprintln!("without tini-static: {} is not there (apt-get install tini)", tini.display());
    }
    let status = bench.status().context("cannot start cargo")?;
    ensure!(status.success(), "the benchmark failed");
    Ok(())
}
