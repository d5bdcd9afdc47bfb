//! The Pods of one revision, counted by state and in the order in which they would be removed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::fact::{Life, PodFact};
use super::readiness::Readiness;

use crate::mutation::{Mutation, mutated};

/// The order in which Pods are removed: those that serve least first, and of equals the newest
/// (as `ActivePodsWithRanks` in kubernetes/pkg/controller sorts).
type Rank = (bool, bool, Reverse<i64>, Reverse<u64>);

/// The Pods of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevisionCounts {
    /// Pods of any state.
    all: usize,
    /// Pods in which something may still run, also terminating ones.
    unfinished: usize,
    /// Pods that are neither terminating nor ended, own writes included; the first to be removed first.
    ranked: BTreeSet<Rank>,
    ready: Readiness,
    shown: Shown,
}

/// The Pods that the watch shows, whatever this operator has done since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    alive: usize,
    ready: Readiness,
}

impl RevisionCounts {
    pub(super) const EMPTY: Self = Self {
        all: 0,
        unfinished: 0,
        ranked: BTreeSet::new(),
        ready: Readiness::EMPTY,
        shown: Shown { alive: 0, ready: Readiness::EMPTY },
    };

    pub(super) fn add(&mut self, fact: &PodFact) {
        self.all += 1;
        self.unfinished += usize::from(!fact.over);
        if fact.is_alive() {
            self.ranked.insert(rank(fact));
            if let Some(since) = fact.ready_since {
                self.ready.add(since);
            }
        }
        if is_shown(fact) {
            self.shown.alive += 1;
            if let Some(since) = fact.ready_since {
                self.shown.ready.add(since);
            }
        }
    }

    /// Takes a Pod off; true if it was the last.
    pub(super) fn remove(&mut self, fact: &PodFact) -> bool {
        self.all -= 1;
        self.unfinished -= usize::from(!fact.over);
        if fact.is_alive() {
            self.ranked.remove(&rank(fact));
            if let Some(since) = fact.ready_since {
                self.ready.remove(since);
            }
        }
        if is_shown(fact) {
            self.shown.alive -= 1;
            if let Some(since) = fact.ready_since {
                self.shown.ready.remove(since);
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

    /// Pods that are neither terminating nor ended, own writes included.
    pub fn alive(&self) -> usize {
        self.ranked.len()
    }

    /// Those of them that have been ready for `min_ready_seconds` at second `now`.
    pub fn available(&self, min_ready_seconds: i64, now: i64) -> usize {
        let seconds = if mutated(Mutation::MinReadyIgnored) { 0 } else { min_ready_seconds };
        self.ready.for_at_least(seconds, now)
    }

    /// Pods that are neither terminating nor ended, as the watch shows them.
    pub fn shown_alive(&self) -> usize {
        self.shown.alive
    }

    /// Those of them that are ready.
    pub fn shown_ready(&self) -> usize {
        self.shown.ready.total()
    }

    /// Those of them that have been ready for `min_ready_seconds` at second `now`.
    pub fn shown_available(&self, min_ready_seconds: i64, now: i64) -> usize {
        self.shown.ready.for_at_least(min_ready_seconds, now)
    }

    /// The next second at which one more Pod will be available.
    pub fn next_available(&self, min_ready_seconds: i64, now: i64) -> Option<i64> {
        self.shown.ready.next_after(min_ready_seconds, now)
    }

    /// Numbers of alive Pods, the first to be removed first. Pods that are not ready come before those that are.
    pub fn ranked(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranked.iter().map(|(.., Reverse(number))| *number)
    }
}

fn is_shown(fact: &PodFact) -> bool {
    fact.seen && fact.life == Life::Alive
}

fn rank(fact: &PodFact) -> Rank {
    let since = fact.ready_since.unwrap_or(i64::MAX);
    (fact.ready_since.is_some(), fact.bound, Reverse(since), Reverse(fact.number))
}
