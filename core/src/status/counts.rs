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
        let wanted = desired.replicas as usize;
        Self::counted(pods, &desired.asked.name, |_| wanted, desired.min_ready_seconds, now)
    }

    /// Counts Pods that others make. How many they want of which revision only they know: what is there passes for
    /// wanted, and the youngest Pod's revision for the one that is rolled out.
    pub fn of_watched(pods: &Replicas, youngest: &str, now: Timestamp) -> Self {
        Self::counted(pods, youngest, |alive| alive, 0, now)
    }

    fn counted(
        pods: &Replicas,
        revision: &str,
        wanted: impl Fn(usize) -> usize,
        min_ready: i64,
        now: Timestamp,
    ) -> Self {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let sum =
            |of: &dyn Fn(&RevisionCounts) -> usize| pods.revisions().map(|(_, counts)| of(counts)).sum();
        let (alive, ready): (usize, usize) =
            (sum(&|counts| counts.shown_alive()), sum(&|counts| counts.shown_ready()));
        let available: usize = sum(&|counts| counts.shown_available(min_ready, now.as_second()));
        let wanted = wanted(alive);
        Self {
            desired: count(wanted),
            alive: count(alive),
            updated: count(pods.revision(revision).shown_alive()),
            ready: count(ready),
            available: count(available),
            unavailable: count(alive.max(wanted).saturating_sub(available)),
            terminating: count(pods.terminating()),
        }
    }
}
