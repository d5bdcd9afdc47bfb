//! What the status of a workload is made from whose Pods others make.

use hooked_crd::{HookedWorkloadStatus, Referent};

use crate::accounting::ledger::Counted;
use crate::status::basis::HooksBasis;
use crate::status::counts::ReplicaCounts;
use crate::workload::asked::Asked;
use crate::workload::referent::Found;
use crate::workload::replicas::Replicas;

/// What a status is made from.
#[derive(Debug)]
pub struct WatchedBasis<'a> {
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// The workload whose Pods are watched.
    pub referent: &'a Referent,
    /// What the API server says of the workload.
    pub found: &'a Found,
    /// Its Pods.
    pub replicas: &'a Replicas,
    /// The revision of the youngest Pod, as its labels say; empty where there is none.
    pub youngest: &'a str,
    /// What is known of their hooks.
    pub hooks: HooksBasis<'a>,
    /// What this pass has counted.
    pub counted: &'a Counted,
    /// What is asked for in its Pods.
    pub asked: &'a Asked,
    /// Whether the operator serves the injector, which puts that into Pods.
    pub injects: bool,
    /// Runs kept in `status.recentRuns`.
    pub history_limit: usize,
    /// Other workloads that watch the same Pods: their names.
    pub overlapping: &'a [&'a str],
}

impl WatchedBasis<'_> {
    /// How many Pods there are in which state.
    pub(in crate::status) fn counts(&self) -> ReplicaCounts {
        ReplicaCounts::of_watched(self.replicas, self.youngest, self.hooks.now)
    }
}
