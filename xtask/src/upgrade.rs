//! `cargo xtask upgrade-test`: the release before this one, with workloads that live, becomes this one, and nobody
//! notices: no Pod restarts, no run is lost, none is counted twice.

mod load;
mod observer;
mod pods;
mod predecessor;
mod release;
mod steps;
mod witness;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use hooked_cluster::{Cluster, Progress, Target};

use crate::kubectl::Kubectl;
use observer::Observer;
use predecessor::Predecessor;
use release::Release;
use steps::Upgrade;
use witness::Witness;

/// A cluster of its own, so that others may run beside it.
const CLUSTER: &str = "upgrade";

/// What to upgrade from.
#[derive(Args)]
pub(crate) struct Options {
    /// Upgrade from this revision of Git instead of the one that e2e/upgrade/predecessor names, and go back to it too.
    #[arg(long, value_name = "REVISION")]
    predecessor: Option<String>,
    /// Leave the cluster up afterwards.
    #[arg(long)]
    keep: bool,
}

/// Runs the test, on a fresh cluster that ends with it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let progress = Progress::new(|line| eprintln!("{line}"));
    let predecessor = Predecessor::choose(options.predecessor.as_deref())?;
    progress.say(&format!("upgrading from {}", predecessor.revision));
    let old = Release::of_predecessor(&predecessor, &progress)?;
    let new = Release::of_tree(&progress)?;
    let target = Target::Embedded(Cluster::named(CLUSTER)?);
    target.down(&progress)?;
    target.up(&progress)?;
    let tested = test(&target, [&old, &new], predecessor.goes_back, &progress);
    if options.keep {
        return tested;
    }
    target.down(&progress).and(tested)
}

fn test(target: &Target, [old, new]: [&Release; 2], goes_back: bool, progress: &Progress) -> Result<()> {
    let (began, witness) = (Instant::now(), Witness::new()?);
    // There is nothing to watch before there is a definition.
    old.apply_definition(&Kubectl::of(target))?;
    let observer = Observer::start(target.clone(), witness.clone());
    let upgrade = Upgrade {
        target,
        kubectl: Kubectl::of(target),
        old,
        new,
        witness: &witness,
        observer: &observer,
        progress,
    };
    let done = upgrade.run(goes_back);
    if done.is_err() {
        upgrade.dump();
    }
    let seen = observer.stop().context("the watch of the workloads")?;
    let counted = done?;
    if !seen.complaints.is_empty() {
        bail!("{}", seen.complaints.join("\n"));
    }
    progress.say(&format!(
        "passed in {} s: {counted} hook runs, each counted once; {} versions of the workloads were seen, and no count \
         went down or ran ahead of the hooks",
        began.elapsed().as_secs(),
        seen.versions,
    ));
    witness.remove()
}
