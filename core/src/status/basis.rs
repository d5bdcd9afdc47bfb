//! What a status is made from.

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;

use super::failure::ReplicaFailure;
use super::live_service::LiveService;
use super::progress::Progress;
use crate::accounting::Tracker;
use crate::accounting::ledger::{Counted, Ledger};
use crate::lifecycle::PodShape;
use crate::workload::desired::Desired;
use crate::workload::replicas::Replicas;
use crate::workload::revision::{Measuring, Revision, Stored};
use crate::workload::rollout::Rollout;
use crate::workload::target::{Target, Why};

/// What is known of a workload's hooks, whoever makes its Pods.
#[derive(Clone, Copy, Debug)]
pub struct HooksBasis<'a> {
    /// The hooks and probes that its Pods are to have.
    pub shape: &'a PodShape,
    /// What is known of hooks and not counted.
    pub tracker: &'a Tracker,
    /// What is counted, with what this pass has counted.
    pub ledger: &'a Ledger,
    /// Whether others make the Pods.
    pub is_watched: bool,
    /// The time.
    pub now: Timestamp,
}

/// What a status is made from.
#[derive(Debug)]
pub struct Basis<'a> {
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// How often the revision's hash had been taken by another template.
    pub collision_count: Option<i32>,
    /// What the workload asks for.
    pub desired: &'a Desired,
    /// Which revision is rolled to, and why perhaps none.
    pub target: &'a Target,
    /// The revision that Pods are made of; the one that is asked for if none are.
    pub revision: &'a Revision,
    /// What became of the wish to measure its hooks.
    pub measuring: &'a Measuring,
    /// Its Pods.
    pub replicas: &'a Replicas,
    /// What is known of their hooks and not counted.
    pub tracker: &'a Tracker,
    /// What is counted, with what this pass has counted.
    pub ledger: &'a Ledger,
    /// What this pass has counted.
    pub counted: &'a Counted,
    /// Where the rollout stands.
    pub rollout: Rollout,
    /// Whether the rollout gets anywhere.
    pub progress: Progress,
    /// The revisions that are known to be stored.
    pub stored: &'a [Stored],
    /// Why Pods cannot be created, deleted or changed, if they cannot.
    pub failure: Option<&'a ReplicaFailure>,
    /// Other workloads whose Pods the selector matches, or whose selectors match these Pods: their names.
    pub overlapping: &'a [&'a str],
    /// The live channel, if the operator serves it.
    pub live: Option<&'a LiveService>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Basis<'a> {
    /// What is known of its hooks.
    pub(super) fn hooks(&self) -> HooksBasis<'a> {
        let Self { tracker, ledger, now, .. } = *self;
        HooksBasis { shape: &self.revision.shape, tracker, ledger, is_watched: false, now }
    }

    /// Why the API server takes no Pods of the template, if it takes none.
    pub(super) fn invalid_template(&self) -> Option<&'a str> {
        match self.target.held_by() {
            Some(Why::Refused(words)) => Some(words),
            _ => None,
        }
    }

    /// Whose the Pods still are that the workload is to take over, if it is to: why it waits, in a word and in many.
    pub(super) fn adopting(&self) -> Option<(Reason, &'a str)> {
        match self.target.held_by() {
            Some(Why::Adopting { words, is_known: true }) => Some((Reason::AwaitingAdoption, words)),
            Some(Why::Adopting { words, is_known: false }) => Some((Reason::PredecessorUnknown, words)),
            _ => None,
        }
    }

    /// Whether the template that is asked for is not the one that Pods are made of.
    pub(super) fn is_held_back(&self) -> bool {
        self.target.revision().is_none_or(|revision| *revision != self.desired.asked.name)
    }
}
