//! How many Pods there are in which state, and whether a rollout gets anywhere.

use hooked_crd::HookedWorkloadStatus;
use jiff::Timestamp;

use crate::desired::Desired;
use crate::tally::PodSet;

/// How many Pods there are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaCounts {
    /// Pods wanted.
    pub desired: i32,
    /// Neither terminating nor ended.
    pub alive: i32,
    /// Those of them that are of the desired revision.
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

impl ReplicaCounts {
    /// Counts the Pods of a workload.
    pub fn of(desired: &Desired, pods: &PodSet, now: Timestamp) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let (min_ready, second) = (desired.min_ready_seconds, now.as_second());
        let sum = |of: &dyn Fn(&crate::tally::RevisionTally) -> usize| {
            pods.revisions().map(|(_, tally)| of(tally)).sum()
        };
        let (alive, ready): (usize, usize) = (sum(&|tally| tally.alive()), sum(&|tally| tally.ready()));
        let available: usize = sum(&|tally| tally.available(min_ready, second));
        Self {
            desired: count(desired.replicas as usize),
            alive: count(alive),
            updated: count(pods.revision(&desired.revision).alive()),
            ready: count(ready),
            available: count(available),
            unavailable: count(alive.max(desired.replicas as usize).saturating_sub(available)),
            terminating: count(pods.terminating()),
        }
    }

    /// Whether a rollout has got further than `previous` says: more new Pods, more of them serving, or fewer old ones.
    pub fn is_progress_since(&self, previous: &HookedWorkloadStatus, generation: i64) -> bool {
        let old = |alive: i32, updated: i32| alive - updated;
        previous.observed_generation != Some(generation)
            || self.updated > previous.updated_replicas
            || self.ready > previous.ready_replicas
            || self.available > previous.available_replicas
            || old(self.alive, self.updated) < old(previous.replicas, previous.updated_replicas)
    }
}
