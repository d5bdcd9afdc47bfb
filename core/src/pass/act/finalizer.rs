//! Taking our finalizer off Pods.

use std::sync::Arc;

use super::super::parallel::all;
use super::super::subject::Site;
use super::super::{Cluster, Failure, Locked, Memory, call};
use super::error::ActError;
use crate::accounting::ledger::Ledger;
use crate::mutation::{Mutation, mutated};
use crate::workload::fill::PodRef;
use crate::workload::replicas::Life;

/// Takes our finalizer off the Pods of which everything is counted, as the committed ledger says. Their
/// numbers must not be above its high-water mark, or they could be given again.
pub(in super::super) async fn remove_finalizers<C: Cluster>(
    cluster: &C,
    site: &Site,
    committed: &Ledger,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let removable: Vec<PodRef> = {
        let memory = memory.lock();
        let accounted = memory.tracker.accounted().filter(|number| *number <= committed.high_water);
        let mut facts: Vec<_> = accounted.filter_map(|number| memory.replicas.get(number)).collect();
        if mutated(Mutation::FinalizerGoesUncounted) {
            facts.extend(memory.replicas.iter().filter(|fact| fact.over));
        }
        facts.into_iter().filter(|fact| fact.has_finalizer).filter_map(PodRef::of).collect()
    };
    let removals =
        removable.into_iter().map(|pod| async move { remove_finalizer(cluster, site, &pod, memory).await });
    all(cluster, removals).await.map(drop)
}

/// Takes our finalizer off just this Pod.
pub(in super::super) async fn remove_finalizer<C: Cluster>(
    cluster: &C,
    site: &Site,
    pod: &PodRef,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let namespace = &site.namespace;
    if mutated(Mutation::FinalizerPresumedGone) {
        memory.lock().replicas.finalizer_removed(pod.number);
    }
    let is_terminating = {
        let memory = memory.lock();
        memory.replicas.get(pod.number).is_some_and(|fact| fact.life == Life::Terminating)
    };
    let call = call::remove_pod_finalizer(namespace, &pod.name, &pod.uid, is_terminating);
    change(cluster, namespace, pod, call).await?;
    memory.lock().replicas.finalizer_removed(pod.number);
    Ok(())
}

/// Takes our finalizer off all Pods that others make: they live on.
pub(in super::super) async fn release_all<C: Cluster>(
    cluster: &C,
    site: &Site,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let held: Vec<PodRef> =
        memory.lock().pods().filter(|fact| fact.has_finalizer).filter_map(PodRef::of).collect();
    let removals =
        held.into_iter().map(|pod| async move { remove_finalizer(cluster, site, &pod, memory).await });
    all(cluster, removals).await.map(drop)
}

/// Takes our finalizer and the workload as owner off all Pods: they live on without us.
pub(in super::super) async fn orphan_all<C: Cluster>(
    cluster: &C,
    site: &Site,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let pods: Vec<PodRef> = memory.lock().pods().filter_map(PodRef::of).collect();
    let orphans = pods.into_iter().map(|pod| async move { orphan(cluster, site, &pod, memory).await });
    all(cluster, orphans).await.map(drop)
}

async fn orphan<C: Cluster>(
    cluster: &C,
    site: &Site,
    pod: &PodRef,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    change(cluster, &site.namespace, pod, call::orphan_pod(&site.namespace, pod, &site.owner)).await?;
    memory.lock().replicas.finalizer_removed(pod.number);
    Ok(())
}

/// Changes just this Pod. One that is gone, or whose name another has taken, needs no change: then it is false.
pub(in super::super) async fn change<C: Cluster>(
    cluster: &C,
    namespace: &str,
    pod: &PodRef,
    call: call::Call,
) -> Result<bool, ActError> {
    let failed = |failure| ActError::Change(Arc::clone(&pod.name), failure);
    let failure = match cluster.send(call).await {
        Ok(_) => return Ok(true),
        Err(failure) if failure.is_not_found() => return Ok(false),
        Err(failure @ Failure::Refused(_)) => failure,
        Err(failure) => return Err(failed(failure)),
    };
    // Another UID makes a change of a field that never changes, which is refused as any invalid change is.
    match cluster.send(call::find_pod(namespace, &pod.name)).await {
        Ok(found) if found["metadata"]["uid"] == *pod.uid => Err(failed(failure)),
        Ok(_) => Ok(false),
        Err(missing) if missing.is_not_found() => Ok(false),
        Err(_) => Err(failed(failure)),
    }
}
