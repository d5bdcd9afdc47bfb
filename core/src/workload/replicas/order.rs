//! Which Pods of a revision go first where some must: the order of `ActivePodsWithRanks` in
//! `kubernetes/pkg/controller/controller_utils.go`.
//!
//! Kubernetes takes Pods of about the same age at random; of those the newest goes first here, so that whoever
//! goes on after a crash takes the very same Pods.

use std::cmp::Reverse;

use super::fact::PodFact;
use super::standing::{Phase, Standing};

/// The first steps of the order: whether it is bound, its phase, whether it is ready, its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    is_bound: bool,
    phase: Phase,
    pub(super) is_ready: bool,
    cost: i32,
}

impl Class {
    pub(super) fn of(fact: &PodFact) -> Self {
        Self {
            is_bound: fact.bound,
            phase: fact.standing.phase,
            is_ready: fact.ready_since.is_some(),
            cost: fact.standing.cost,
        }
    }
}

/// The last steps of the order, for Pods of one class on nodes with as many Pods of the workload, of which more go
/// first: ready for less time, more restarts, newer.
pub(super) type Among = (Reverse<i64>, Reverse<(u32, u32)>, Reverse<u32>, Reverse<u64>);

/// The place of a Pod among those of its class.
pub(super) fn among(fact: &PodFact) -> Among {
    let since = fact.ready_since.unwrap_or(i64::MAX);
    let Standing { restarts, created, .. } = fact.standing;
    (Reverse(since), Reverse(restarts), Reverse(created), Reverse(fact.number))
}

/// The number of the Pod that has a place.
pub(super) fn number((_, _, _, Reverse(number)): &Among) -> u64 {
    *number
}
