//! Deleting the Pods that are more than revisions are to have.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::cluster::TIMEOUT;
use super::super::overlay::Committed;
use super::super::parallel::{PARALLEL, all};
use super::super::prepare::Prepared;
use super::super::subject::Site;
use super::super::{Cluster, Locked, Memory, call};
use super::error::ActError;
use crate::accounting::ledger::Ledger;
use crate::mutation::{Mutation, mutated};
use crate::workload::fill::{BURST, Floor, PodRef, surplus};

/// Deletes what is more than the committed sizes, in batches: what must be available is asked before each. Where
/// nothing must be, there is nothing to ask, and no delete waits for the slowest of a small batch.
pub(super) async fn delete_surplus<C: Cluster>(
    cluster: &C,
    site: &Site,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let Some(sizes) = &committed.ledger.sizes else { return Ok(()) };
    loop {
        let now = cluster.now().as_second();
        let floor = if prepared.target.leaving().is_some() || mutated(Mutation::FloorIgnored) {
            Floor::NONE
        } else {
            Floor::of(&prepared.desired, now)
        };
        let limit = if floor.available == 0 { BURST } else { PARALLEL };
        let batch = {
            let mut memory = memory.lock();
            let mut batch = surplus(sizes, &mut memory.replicas, &floor, limit);
            if prepared.target.leaving().is_some() {
                // Pods that count for no size are held by nobody but us.
                let unsized_pods = memory.replicas.ended().chain(memory.replicas.unselected());
                let unsized_pods = unsized_pods.filter(|fact| !fact.deleting);
                batch.extend(unsized_pods.filter_map(PodRef::of).take(limit - batch.len()));
            }
            batch
        };
        if batch.is_empty() {
            return Ok(());
        }
        delete_all(cluster, site, batch, memory).await?;
    }
}

/// Deletes Pods that serve nobody since the hook-runner in them cannot run, as the committed ledger says of their
/// revision: Pods without it are made in their place. A Pod that was made since then and shows the same was made as the
/// template is written, which may name the runner itself: for that Pod the kubelet waits longer each time.
pub(in super::super) async fn delete_stuck<C: Cluster>(
    cluster: &C,
    site: &Site,
    committed: &Ledger,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    loop {
        let batch: Vec<PodRef> = {
            let memory = memory.lock();
            let revisions = committed.unrunnable.iter();
            let stuck = revisions.flat_map(|(revision, shown)| {
                let stuck = memory.replicas.revision(revision).stuck();
                stuck.filter(|number| *number <= shown.last)
            });
            stuck.filter_map(|number| PodRef::of(memory.replicas.get(number)?)).take(PARALLEL).collect()
        };
        if batch.is_empty() {
            return Ok(());
        }
        delete_all(cluster, site, batch, memory).await?;
    }
}

/// Deletes just these Pods.
pub(in super::super) async fn delete_all<C: Cluster>(
    cluster: &C,
    site: &Site,
    pods: Vec<PodRef>,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let deletes = pods.into_iter().map(|pod| async move { delete(cluster, site, &pod, memory).await });
    all(cluster, deletes).await.map(drop)
}

async fn delete<C: Cluster>(
    cluster: &C,
    site: &Site,
    pod: &PodRef,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let until = cluster.now().checked_add(TIMEOUT).unwrap_or(Timestamp::MAX);
    match cluster.send(call::delete_pod(&site.namespace, pod)).await {
        Ok(_) => {}
        Err(failure) if failure.is_not_found() => {}
        // Another Pod has the name by now; or somebody else says no, with the same status.
        Err(failure) if failure.is_conflict() => {
            if is_wanted(cluster, site, pod).await {
                return Err(ActError::Delete(Arc::clone(&pod.name), failure));
            }
        }
        Err(failure) => {
            if !failure.is_certain() {
                memory.lock().replicas.perhaps_deleted(pod.number, until);
                if mutated(Mutation::LostDeleteIsDone) {
                    memory.lock().replicas.was_deleted(pod.number);
                }
            }
            return Err(ActError::Delete(Arc::clone(&pod.name), failure));
        }
    }
    memory.lock().replicas.deleted(pod.number);
    Ok(())
}

/// Whether just this Pod is there, or may be, and nobody has asked for its deletion.
async fn is_wanted<C: Cluster>(cluster: &C, site: &Site, pod: &PodRef) -> bool {
    match cluster.send(call::find_pod(&site.namespace, &pod.name)).await {
        Ok(found) => {
            let metadata = &found["metadata"];
            metadata["uid"] == *pod.uid && metadata["deletionTimestamp"].is_null()
        }
        Err(failure) => !failure.is_not_found(),
    }
}

/// Stops postStart hooks that run in Pods which are to go: the kubelet waits for such a hook, for ever if
/// need be, and stops nothing before. A preStop hook is left to run: it is what the grace period is for.
pub(in super::super) fn stop_hung_hooks<C: Cluster>(cluster: &C, memory: &Locked<Memory>) {
    let hung: Vec<Arc<str>> = {
        let memory = memory.lock();
        let going = memory.replicas.going_of(memory.tracker.running().in_post_start());
        going.map(|fact| fact.uid.text()).filter(|uid| !uid.is_empty()).collect()
    };
    for uid in hung {
        cluster.stop_hooks(&uid);
    }
}
