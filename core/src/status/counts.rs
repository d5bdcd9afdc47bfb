//! How many Pods there are in which state, and whether a rollout gets anywhere.

use hooked_crd::HookedWorkloadStatus;
use jiff::Timestamp;

use crate::workload::desired::Desired;
use crate::workload::replicas::{Replicas, RevisionCounts};
use crate::workload::rollout::Rollout;

/// How many Pods there are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaCounts {
    /// Pods wanted.
    pub desired: i32,
    /// Neither terminating nor ended.
    pub alive: i32,
    /// Those of them that are of the revision that is asked for.
    pub updated: i32,
    /// Those of them that are ready.
    pub ready: i32,
    /// Those of them that are available.
    pub available: i32,
    /// Still missing for full availability.
    pub unavailable: i32,
    /// Terminating.
    pub terminating: i32,
}

/// What the time of the last progress is found from.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Where the rollout stands.
    pub rollout: Rollout,
    /// The revision that is rolled out.
    pub revision: &'a str,
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// When it had made progress before.
    pub before: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

impl ReplicaCounts {
    /// Counts the Pods of a workload that the watch shows.
    pub fn of(desired: &Desired, pods: &Replicas, now: Timestamp) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let (min_ready, second) = (desired.min_ready_seconds, now.as_second());
        let sum =
            |of: &dyn Fn(&RevisionCounts) -> usize| pods.revisions().map(|(_, counts)| of(counts)).sum();
        let (alive, ready): (usize, usize) =
            (sum(&|counts| counts.shown_alive()), sum(&|counts| counts.shown_ready()));
        let available: usize = sum(&|counts| counts.shown_available(min_ready, second));
        Self {
            desired: count(desired.replicas as usize),
            alive: count(alive),
            updated: count(pods.revision(&desired.asked.name).shown_alive()),
            ready: count(ready),
            available: count(available),
            unavailable: count(alive.max(desired.replicas as usize).saturating_sub(available)),
            terminating: count(pods.terminating()),
        }
    }

    /// When the rollout last made progress; none while it has nothing to make.
    pub fn progressed_at(&self, basis: &Progress<'_>) -> Option<Timestamp> {
        let Progress { rollout, revision, previous, generation, before, now } = *basis;
        match rollout {
            // A rollout that was complete once is not overdue because a Pod of it restarts.
            _ if previous.current_revision.as_deref() == Some(revision) => None,
            Rollout::Complete | Rollout::Held | Rollout::Leaving => None,
            Rollout::Going if self.is_progress_since(previous, generation) => Some(now),
            Rollout::Going => before.or(Some(now)),
        }
    }

    /// Whether a rollout has got further than `previous` says: more new Pods, more of them serving, or fewer old ones.
    fn is_progress_since(&self, previous: &HookedWorkloadStatus, generation: i64) -> bool {
        let old = |alive: i32, updated: i32| alive - updated;
        previous.observed_generation != Some(generation)
            || self.updated > previous.updated_replicas
            || self.ready > previous.ready_replicas
            || self.available > previous.available_replicas
            || old(self.alive, self.updated) < old(previous.replicas, previous.updated_replicas)
    }
}
