//! How many Pods there are in which state.

use jiff::Timestamp;

use crate::workload::desired::Desired;
use crate::workload::replicas::{Replicas, RevisionCounts};

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
    /// Terminating, and not ended.
    pub terminating: i32,
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
}
