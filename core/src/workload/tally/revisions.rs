//! The Pods of one revision, counted by state and in the order in which they would be removed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::readiness::Readiness;
use crate::workload::{Life, PodFact};

/// The order in which Pods are removed: those that serve least first, and of equals the newest
/// (as `ActivePodsWithRanks` in kubernetes/pkg/controller sorts).
type Victim = (bool, bool, Reverse<i64>, Reverse<u64>);

/// The Pods of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevisionTally {
    /// Pods of any state.
    all: usize,
    /// Pods in which something may still run, also terminating ones.
    unfinished: usize,
    /// Pods that are neither terminating nor ended, the first to be removed first.
    victims: BTreeSet<Victim>,
    ready: Readiness,
}

impl RevisionTally {
    pub(super) const EMPTY: Self =
        Self { all: 0, unfinished: 0, victims: BTreeSet::new(), ready: Readiness::EMPTY };

    pub(super) fn add(&mut self, fact: &PodFact) {
        self.all += 1;
        self.unfinished += usize::from(!fact.over);
        if fact.life == Life::Alive {
            self.victims.insert(victim(fact));
            if let Some(since) = fact.ready_since {
                self.ready.add(since);
            }
        }
    }

    /// Takes a Pod off; true if it was the last.
    pub(super) fn remove(&mut self, fact: &PodFact) -> bool {
        self.all -= 1;
        self.unfinished -= usize::from(!fact.over);
        if fact.life == Life::Alive {
            self.victims.remove(&victim(fact));
            if let Some(since) = fact.ready_since {
                self.ready.remove(since);
            }
        }
        self.all == 0
    }

    /// Pods of any state, also terminating and ended ones.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Pods in which something may still run, also terminating ones.
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Pods that are neither terminating nor ended.
    pub fn alive(&self) -> usize {
        self.victims.len()
    }

    /// Those of them that are ready.
    pub fn ready(&self) -> usize {
        self.ready.total()
    }

    /// Those of them that have been ready for `min_ready_seconds` at second `now`.
    pub fn available(&self, min_ready_seconds: i64, now: i64) -> usize {
        self.ready.for_at_least(min_ready_seconds, now)
    }

    /// The next second at which one more will be available.
    pub fn next_available(&self, min_ready_seconds: i64, now: i64) -> Option<i64> {
        self.ready.next_after(min_ready_seconds, now)
    }

    /// Ordinals of alive Pods, the first to be removed first. Pods that are not available come before those that are.
    pub fn victims(&self) -> impl Iterator<Item = u64> + '_ {
        self.victims.iter().map(|(.., Reverse(ordinal))| *ordinal)
    }
}

fn victim(fact: &PodFact) -> Victim {
    let since = fact.ready_since.unwrap_or(i64::MAX);
    (fact.ready_since.is_some(), fact.bound, Reverse(since), Reverse(fact.ordinal))
}
