//! Giving Pods up that no longer match the selector, as `ReleasePod` in
//! `kubernetes/pkg/controller/controller_ref_manager.go` does: somebody has taken them out to look at them.

use super::super::parallel::{PARALLEL, all};
use super::super::subject::Site;
use super::super::{Cluster, Locked, Memory, call};
use super::error::ActError;
use super::finalizer::change;
use crate::accounting::ledger::Ledger;
use crate::lifecycle::{Patience, infer};
use crate::workload::fill::PodRef;
use crate::workload::replicas::PodFact;

/// Takes off all that is ours from the Pods that are not selected any more and of which the committed ledger
/// counts what is over: the Pods live on.
pub(super) async fn release_unselected<C: Cluster>(
    cluster: &C,
    site: &Site,
    committed: &Ledger,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let now = cluster.now();
    let free: Vec<PodRef> = {
        let memory = memory.lock();
        let is_counted = |fact: &&PodFact| {
            let evidence = memory.tracker.evidence(fact.number);
            let marks = committed.marks.get(fact.number);
            evidence.is_none_or(|known| infer(&known, &marks, Patience::Now, now).settled.is_empty())
        };
        let unselected = memory.replicas.unselected().filter(|fact| !fact.deleting);
        unselected.filter(is_counted).filter_map(PodRef::of).take(PARALLEL).collect()
    };
    let releases = free.into_iter().map(|pod| async move { release(cluster, site, &pod, memory).await });
    all(cluster, releases).await.map(drop)
}

async fn release<C: Cluster>(
    cluster: &C,
    site: &Site,
    pod: &PodRef,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    memory.lock().released.releasing(&pod.uid);
    let call = call::release_pod(&site.namespace, pod, &site.owner);
    let is_changed = change(cluster, &site.namespace, pod, call).await?;
    let mut memory = memory.lock();
    if !is_changed {
        // The Pod is gone instead, and what is known of the Pod is counted as of any that is gone.
        memory.released.depart(&pod.uid);
        return Ok(());
    }
    memory.released.released(&pod.uid);
    memory.observe_left(pod.number);
    Ok(())
}
