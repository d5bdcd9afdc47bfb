//! Taking over Pods that nobody controls, as `ClaimPods` in
//! `kubernetes/pkg/controller/controller_ref_manager.go` does: those that a workload has left behind, and
//! those whose labels match again. Such a Pod gets its number as any newcomer does.

use std::collections::BTreeSet;
use std::sync::Arc;

use hooked_crd::Evidence;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::super::adopt_revision::{adopt_revision, is_still_there};
use super::super::candidates::{Candidate, Orphan};
use super::super::parallel::all;
use super::super::seek::orphan;
use super::super::stored::{StoreError, stored};
use super::super::subject::Subject;
use super::super::{Cluster, Failure, Locked, Memory, call};
use super::error::ActError;
use crate::lifecycle::ObservedPod;
use crate::names;
use crate::workload::selector::selects;

/// The most Pods that one pass takes over: hooks are counted in between.
const BATCH: usize = 500;
/// How long a Pod rests that has changed since it was read.
const CONFLICT: SignedDuration = SignedDuration::from_secs(1);
/// How long a Pod rests that the API server does not let the operator take over.
const REFUSED: SignedDuration = SignedDuration::from_secs(10);

/// Takes over the Pods that nobody controls, that the workload's selector matches, and that were made from one of its
/// revisions. Returns when to give them their numbers.
pub(super) async fn adopt<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    evidence: Evidence,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, ActError> {
    // While another is to give its Pods up, its controllers may still take them back.
    if subject.leaving.is_some() || memory.lock().predecessor.awaited().is_some() {
        return Ok(None);
    }
    let batch: Vec<Candidate> =
        memory.lock().candidates.adoptable(cluster.now()).take(BATCH).cloned().collect();
    if batch.is_empty() || !is_still_there(cluster, &subject.site).await.map_err(ActError::Look)? {
        return Ok(memory.lock().candidates.next_try(cluster.now()));
    }
    let revisions: BTreeSet<&Arc<str>> = batch.iter().map(|known| &known.revision).collect();
    for revision in revisions {
        let failed = |failure| StoreError::Read(Arc::clone(revision), failure);
        if !is_stored(cluster, subject, revision, memory).await.map_err(failed)? {
            memory.lock().candidates.is_foreign(revision);
        }
    }
    let adoptions = batch
        .into_iter()
        .map(|candidate| async move { adopt_one(cluster, subject, evidence, &candidate, memory).await });
    all(cluster, adoptions).await?;
    Ok(memory.lock().candidates.next_try(cluster.now()).or(Some(cluster.now())))
}

/// Whether a revision of that name is stored of the workload. One that nobody controls is taken over.
async fn is_stored<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &str,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let stored = stored(cluster, subject, memory).await?;
    if stored.iter().any(|known| known.revision == revision) {
        return Ok(true);
    }
    Ok(adopt_revision(cluster, &subject.site, revision, memory).await?.is_some())
}

async fn adopt_one<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    evidence: Evidence,
    candidate: &Candidate,
    memory: &Locked<Memory>,
) -> Result<(), ActError> {
    let Candidate { name, uid, revision, .. } = candidate;
    let failed = |failure| ActError::Change(Arc::clone(name), failure);
    let namespace = &subject.site.namespace;
    let found = match cluster.send(call::read_pod(namespace, name)).await {
        Ok(found) => found,
        Err(failure) if failure.is_not_found() => Value::Null,
        Err(failure) => return Err(failed(failure)),
    };
    let decoded = ObservedPod::deserialize(&found).ok().filter(|pod| *pod.uid == **uid);
    if let Some(pod) = decoded.as_ref().filter(|pod| pod.owner_uid == subject.site.owner.uid) {
        // The reply to an earlier request was lost.
        take_in(cluster, &found, pod.clone(), memory);
        return Ok(());
    }
    let selector = &subject.workload.spec.selector;
    let is_wanted = |orphan: Orphan| {
        orphan.uid == *uid && orphan.revision == *revision && selects(selector, &orphan.labels)
    };
    // A ReplicaSet takes over no Pod that has ended (`FilterActivePods` in
    // `kubernetes/pkg/controller/controller_utils.go`).
    let is_over = decoded.is_none_or(|pod| pod.is_over());
    if is_over || !orphan(&found).is_some_and(is_wanted) {
        memory.lock().candidates.remove_known(candidate);
        return Ok(());
    }
    {
        let memory = memory.lock();
        // What the watch shows of a Pod that was set free is old until it shows that the Pod is free.
        if !memory.candidates.is_adoptable(uid) || memory.released.has(uid) {
            return Ok(());
        }
    }
    let version = found["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let (owner, is_durable) = (&subject.site.owner, evidence == Evidence::Durable);
    let call = call::adopt_pod(namespace, (name, uid, version), revision, owner, is_durable);
    match cluster.send(call).await {
        Ok(pod) => {
            if let Ok(decoded) = ObservedPod::deserialize(&pod) {
                take_in(cluster, &pod, decoded, memory);
            }
            Ok(())
        }
        Err(failure) => {
            rest(cluster, uid, &failure, memory);
            if failure.is_conflict() { Ok(()) } else { Err(failed(failure)) }
        }
    }
}

/// Has a Pod rest that could not be taken over.
fn rest<C: Cluster>(cluster: &C, uid: &str, failure: &Failure, memory: &Locked<Memory>) {
    let (time, is_refused) = match (failure.is_conflict(), failure.refusal()) {
        (true, _) => (CONFLICT, false),
        (false, Some(_)) => (REFUSED, true),
        (false, None) => return,
    };
    let until = cluster.now().checked_add(time).unwrap_or(Timestamp::MAX);
    memory.lock().candidates.rest(uid, until, is_refused);
}

/// Takes in a Pod as it is since the workload controls it: the reply to an own write counts as a sight.
fn take_in<C: Cluster>(cluster: &C, found: &Value, mut pod: ObservedPod, memory: &Locked<Memory>) {
    let is_numbered = found["metadata"]["annotations"][names::ORDINAL].is_string();
    if !is_numbered {
        // A bare number in a label, as the version before has written it, may be another workload's.
        pod.number = 0;
    }
    let mut memory = memory.lock();
    memory.candidates.remove(&pod.uid);
    memory.sight(pod, None, cluster.now());
}
