//! Which Pods of a revision go first where some must: the order of `ActivePodsWithRanks` in
//! `kubernetes/pkg/controller/controller_utils.go`.
//!
//! Kubernetes takes Pods of about the same age at random; of those the newest goes first here, so that whoever
//! goes on after a crash takes the very same Pods.

use std::cmp::Reverse;

use super::fact::PodFact;
use super::standing::{Phase, Standing};

/// The first steps of the order: whether it is bound, its phase, whether it is ready, its cost. They need no other
/// Pod to be known, and so are kept up to date.
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

/// The further steps, for Pods of one class: more Pods of the workload on its node, ready for less time, more
/// restarts, newer.
pub(super) type Rank = (Reverse<usize>, Reverse<i64>, Reverse<(u32, u32)>, Reverse<u32>, Reverse<u64>);

/// The rank of a Pod that is one of `neighbours` on its node.
pub(super) fn rank(fact: &PodFact, neighbours: usize) -> Rank {
    let since = fact.ready_since.unwrap_or(i64::MAX);
    let Standing { restarts, created, .. } = fact.standing;
    (Reverse(neighbours), Reverse(since), Reverse(restarts), Reverse(created), Reverse(fact.number))
}
