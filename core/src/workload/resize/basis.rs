//! What sizes are made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::accounting::ledger::Total;
use crate::mutation::{Mutation, mutated};
use crate::workload::desired::{Desired, Strategy};
use crate::workload::replicas::Replicas;
use crate::workload::target::Target;

/// What sizes are made from.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// What the workload asks for.
    pub desired: &'a Desired,
    /// Which revision is rolled to.
    pub target: &'a Target,
    /// The Pods that there are, own writes included.
    pub replicas: &'a Replicas,
    /// The revisions of Pods that are taken over, have no number yet and may still run; of interest, and filled, with
    /// Recreate only.
    pub joining: &'a BTreeSet<Arc<str>>,
    /// The second at which it is.
    pub now: i64,
}

impl Basis<'_> {
    fn surge(&self) -> u32 {
        match self.desired.strategy {
            Strategy::RollingUpdate { surge, .. } => surge + u32::from(mutated(Mutation::SurgeOffByOne)),
            Strategy::Recreate => 0,
        }
    }

    pub(super) fn total(&self) -> Total {
        let replicas = self.desired.replicas;
        Total { replicas, most: replicas.saturating_add(self.surge()) }
    }

    /// Whether anything may still run in Pods of another revision: with Recreate no Pod of this one may come
    /// before it ends.
    pub(super) fn others_run(&self, new: &str) -> bool {
        if mutated(Mutation::RecreateOverlaps) {
            return false;
        }
        let mut others = self.replicas.revisions().filter(|(revision, _)| ***revision != *new);
        let joins = || self.joining.iter().any(|revision| **revision != *new);
        others.any(|(_, counts)| counts.unfinished() > 0) || joins()
    }

    /// Available Pods of a revision, of those that it is to keep.
    pub(super) fn available(&self, revision: &str, size: u32) -> u32 {
        let available = self.replicas.revision(revision).available(self.desired.min_ready_seconds, self.now);
        u32::try_from(available).unwrap_or(u32::MAX).min(size)
    }
}
