//! Where a rollout stands, as the watch shows it.

use std::sync::Arc;

use super::desired::Desired;
use super::replicas::{Replicas, RevisionCounts};
use super::target::Target;
use crate::accounting::ledger::Sizes;

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every wanted Pod is of the revision that is asked for and available, and there is no other.
    Complete,
    /// Something is to be done, or is awaited.
    Going,
    /// No rollout goes on, and each revision has the Pods that it is to have.
    Held,
    /// The workload is being deleted.
    Leaving,
}

/// Where the rollout stands at the second `now`.
pub fn rollout(desired: &Desired, target: &Target, sizes: &Sizes, replicas: &Replicas, now: i64) -> Rollout {
    if target.leaving().is_some() {
        return Rollout::Leaving;
    }
    let wanted = desired.replicas as usize;
    let asked = replicas.revision(&desired.asked.name);
    let alive: usize = replicas.revisions().map(|(_, counts)| counts.shown_alive()).sum();
    let is_target = target.revision().is_some_and(|revision| *revision == desired.asked.name);
    let is_complete = is_target
        && sizes.get(&desired.asked.name) == desired.replicas
        && asked.shown_available(desired.min_ready_seconds, now) == wanted
        && (asked.shown_alive(), alive) == (wanted, wanted);
    match target {
        _ if is_complete => Rollout::Complete,
        Target::Hold { .. } if is_filled(sizes, replicas) => Rollout::Held,
        Target::Roll { .. } | Target::Hold { .. } => Rollout::Going,
    }
}

/// Whether each revision has the Pods that it is to have.
fn is_filled(sizes: &Sizes, replicas: &Replicas) -> bool {
    let is_full = |revision: &str| {
        let counts: &RevisionCounts = replicas.revision(revision);
        counts.shown_alive() == sizes.get(revision) as usize
    };
    let named = |(revision, _): (&Arc<str>, _)| is_full(revision);
    sizes.iter().all(|(revision, _)| is_full(revision)) && replicas.revisions().all(named)
}
