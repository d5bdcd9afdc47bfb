//! The end of a workload: nothing is left to count, and our finalizer goes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::subject::Site;
use super::{Cluster, Failure, Memory, call};
use crate::mutation::{Mutation, mutated};
use crate::names::ACCOUNTING_FINALIZER;
use crate::workload::target::Leaving;

/// Whether a workload that leaves so is no longer needed.
pub(super) fn may_leave(leaving: Leaving, memory: &Memory) -> bool {
    let has_counted = leaving == Leaving::WithoutPods || memory.tracker.is_empty();
    (memory.pods().next().is_none() || mutated(Mutation::LeavesBeforePods))
        && has_counted
        && memory.uncommitted.is_none()
}

/// Takes our finalizer off the workload, of which `version` is the last that is known. False if the workload
/// has changed meanwhile or is gone: the watch will tell.
pub(super) async fn leave<C: Cluster>(
    cluster: &C,
    metadata: &ObjectMeta,
    version: &str,
) -> Result<bool, Failure> {
    let Site { namespace, owner } = Site::of(metadata);
    let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
    finalizers.retain(|finalizer| finalizer != ACCOUNTING_FINALIZER);
    let call = call::set_workload_finalizers(&namespace, &owner, version, &finalizers);
    match cluster.send(call).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_conflict() || failure.is_not_found() => Ok(false),
        Err(failure) => Err(failure),
    }
}
