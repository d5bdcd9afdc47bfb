//! `cargo xtask record`: what a real kubelet shows, as fixtures for inference.

use anyhow::{Context, Result, ensure};
use clap::Args;
use hooked_cluster::{Kubernetes, Progress, Target};

use crate::image;
use crate::test::cargo;

/// Where the fixtures are.
const TRANSCRIPTS: &str = "core/tests/inference/transcripts";

/// What to record.
#[derive(Args)]
pub(crate) struct Options {
    /// Scenarios to record anew; all of them if none is named. A wrong name lists them.
    scenarios: Vec<String>,
}

/// Starts a cluster of its own, records, and takes the cluster down.
pub(crate) fn run(options: &Options) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let target = Target::choose(None, "record", Kubernetes::default())?;
    target.up(&progress)?;
    let recorded = record(&target, options);
    target.down(&progress)?;
    recorded
}

fn record(target: &Target, options: &Options) -> Result<()> {
    let directory = image::workspace()?.join(TRANSCRIPTS);
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let mut command =
        cargo::command(&["run", "--quiet", "--package", "hooked-e2e", "--bin", "record", "--"])?;
    let kubectl = target.kubectl()?;
    command
        .arg(directory)
        .args(&options.scenarios)
        .env("HOOKED_E2E_KUBECONFIG", target.kubeconfig()?)
        .env("HOOKED_E2E_KUBECTL", kubectl.get_program())
        .env("HOOKED_E2E_SHARES_FILES", "true");
    ensure!(command.status().context("cannot start cargo")?.success(), "nothing, or not all, was recorded");
    Ok(())
}
