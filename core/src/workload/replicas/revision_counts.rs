//! The Pods of one revision, counted by state.

use super::fact::{Life, PodFact};
use super::readiness::Readiness;

use crate::lifecycle::RunnerSight;
use crate::mutation::{Mutation, mutated};
use crate::number_set::NumberSet;

/// The Pods of one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevisionCounts {
    /// Pods of any state.
    all: usize,
    /// Pods in which something may still run, also terminating ones.
    unfinished: usize,
    /// Pods that are neither terminating nor ended, own writes included.
    alive: usize,
    ready: Readiness,
    /// The numbers of alive Pods that serve nobody since the hook-runner in them cannot run.
    stuck: NumberSet,
    shown: Shown,
}

/// The Pods that the watch shows, whatever this operator has done since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    alive: usize,
    ready: Readiness,
    /// Those of the alive Pods in which an exec hook runs without the runner.
    without_runner: usize,
    /// Those of them that nothing of ours holds.
    without_finalizer: usize,
}

impl RevisionCounts {
    pub(super) const EMPTY: Self = Self {
        all: 0,
        unfinished: 0,
        alive: 0,
        ready: Readiness::EMPTY,
        stuck: NumberSet::EMPTY,
        shown: Shown { alive: 0, ready: Readiness::EMPTY, without_runner: 0, without_finalizer: 0 },
    };

    pub(super) fn add(&mut self, fact: &PodFact) {
        self.all += 1;
        self.unfinished += usize::from(!fact.over);
        if fact.is_stuck() {
            self.stuck.insert(fact.number);
        }
        if fact.is_alive() {
            self.alive += 1;
            if let Some(since) = fact.ready_since {
                self.ready.add(since);
            }
        }
        if is_shown(fact) {
            self.shown.alive += 1;
            self.shown.without_runner += usize::from(fact.runner == RunnerSight::Absent);
            self.shown.without_finalizer += usize::from(!fact.has_finalizer);
            if let Some(since) = fact.ready_since {
                self.shown.ready.add(since);
            }
        }
    }

    /// Takes a Pod off; true if it was the last.
    pub(super) fn remove(&mut self, fact: &PodFact) -> bool {
        self.all -= 1;
        self.unfinished -= usize::from(!fact.over);
        self.stuck.remove(fact.number);
        if fact.is_alive() {
            self.alive -= 1;
            if let Some(since) = fact.ready_since {
                self.ready.remove(since);
            }
        }
        if is_shown(fact) {
            self.shown.alive -= 1;
            self.shown.without_runner -= usize::from(fact.runner == RunnerSight::Absent);
            self.shown.without_finalizer -= usize::from(!fact.has_finalizer);
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
        self.alive
    }

    /// Those of them that have been ready for `min_ready_seconds` at second `now`.
    pub fn available(&self, min_ready_seconds: i64, now: i64) -> usize {
        let seconds = if mutated(Mutation::MinReadyIgnored) { 0 } else { min_ready_seconds };
        self.ready.for_at_least(seconds, now)
    }

    /// The numbers of alive Pods that serve nobody since the hook-runner in them cannot run.
    pub fn stuck(&self) -> impl Iterator<Item = u64> + '_ {
        self.stuck.iter()
    }

    /// Pods that are neither terminating nor ended, as the watch shows them.
    pub fn shown_alive(&self) -> usize {
        self.shown.alive
    }

    /// Those of them in which an exec hook runs without the hook-runner.
    pub fn shown_without_runner(&self) -> usize {
        self.shown.without_runner
    }

    /// Those of them that our finalizer does not hold.
    pub fn shown_without_finalizer(&self) -> usize {
        self.shown.without_finalizer
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

    /// Those of the alive Pods that are ready, but not for long enough to be available.
    pub fn almost_available(&self, min_ready_seconds: i64, now: i64) -> usize {
        self.ready.total() - self.available(min_ready_seconds, now)
    }
}

fn is_shown(fact: &PodFact) -> bool {
    fact.seen && fact.life == Life::Alive
}
