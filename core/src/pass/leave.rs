//! The end of a workload: nothing is left to count, and our finalizer goes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::subject::Site;
use super::{Cluster, Failure, Memory, call};
use crate::mutation::{Mutation, mutated};
use crate::names::ACCOUNTING_FINALIZER;
use crate::workload::replicas::PodFact;
use crate::workload::target::Leaving;

/// Whether a workload that leaves so is no longer needed.
pub(super) fn may_leave(leaving: Leaving, memory: &Memory) -> bool {
    let has_counted = leaving == Leaving::WithoutPods || memory.tracker.is_empty();
    let is_accounted = |number| memory.tracker.is_accounted(number);
    (is_needed_by_none(leaving, memory, is_accounted) || mutated(Mutation::LeavesBeforePods))
        && has_counted
        && memory.uncommitted.is_none()
}

/// Whether the workload may go before Pods that are to go and that nothing of ours holds: somebody else's finalizer
/// keeps no Deployment either. But of one that is deleted in the foreground, and of one that leaves its Pods behind,
/// each Pod is waited for. `has_ended` says whether all that is known of a Pod is counted.
pub(super) fn is_needed_by_none(leaving: Leaving, memory: &Memory, has_ended: impl Fn(u64) -> bool) -> bool {
    let waits_for_all = leaving == Leaving::WithoutPods || memory.in_foreground;
    // A kubelet that was given up for silent may speak again, and what it tells then is counted.
    let is_over = |fact: &PodFact| fact.over || (fact.seen && !fact.bound);
    let is_done =
        |fact: &PodFact| fact.is_to_go() && is_over(fact) && !fact.has_finalizer && has_ended(fact.number);
    memory.replicas.doubts().next().is_none() && memory.pods().all(|fact| !waits_for_all && is_done(fact))
}

/// Takes our finalizer off the workload, of which `version` is the last that is known. False if the workload
/// is gone.
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
        Err(failure) if failure.is_not_found() => Ok(false),
        Err(failure) => Err(failure),
    }
}
