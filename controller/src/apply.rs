//! The only Pod writer: it carries out a plan, and remembers what it has done until the watch shows it.

use std::sync::Arc;

use futures::{StreamExt, stream};
use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::lifecycle::ObservedPod;
use hooked_core::names;
use hooked_core::status::Refusal;
use hooked_core::workload::PodFact;
use hooked_core::workload::desired::Desired;
use hooked_core::workload::plan::{NewPod, Plan, PodRef};
use hooked_core::workload::tally::PodSet;
use hooked_core::workload::template::{Owner, manifest};
use hooked_crd::Evidence;
use hooked_live::Channel;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{ObjectMeta, request};
use kube::{Client, Error};
use serde_json::json;
use thiserror::Error as ThisError;

use crate::context::{FIELD_MANAGER, Locked};
use crate::observe::Stray;
use crate::request::{body, brief, is_conflict, is_not_found, pods, refusal, send};
use crate::vet::refusal_of;

/// The most requests under way at once for one workload.
const PARALLEL: usize = 32;

#[derive(Debug, ThisError)]
pub(crate) enum ApplyError {
    #[error("Pod {0} could not be created: {why}", why = brief(.1))]
    Create(String, #[source] Box<Error>),
    #[error("Pod {0} could not be deleted: {why}", why = brief(.1))]
    Delete(Arc<str>, #[source] Box<Error>),
    #[error("Pod {0} could not be changed: {why}", why = brief(.1))]
    Change(Arc<str>, #[source] Box<Error>),
    #[error("Pod {0} could not be looked for: {why}", why = brief(.1))]
    Find(Arc<str>, #[source] Box<Error>),
    #[error("a request for a Pod could not be made: {0}")]
    Build(#[from] request::Error),
}

/// What has become of a plan.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// A create that the server refused: the rest of them were not sent.
    pub(crate) refusal: Option<Refusal>,
    /// A request that failed or whose reply was lost; the next pass makes up for it.
    pub(crate) error: Option<ApplyError>,
}

/// Where a plan is carried out.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: &'a str,
    pub(crate) owner: &'a Owner,
    pub(crate) pods: &'a Locked<PodSet>,
    pub(crate) live: &'a Channel,
}

/// Carries out `plan`: first what lets go, then what removes, then what adds. A Pod that cannot be removed keeps none
/// from being added.
pub(crate) async fn apply(site: Site<'_>, desired: &Desired, plan: &Plan) -> Applied {
    let removed = remove(site, plan).await;
    let mut applied = Applied::default();
    create_all(site, desired, &plan.create, &mut applied).await;
    let refreshed = refresh_all(site, &plan.refresh).await;
    applied.error = applied.error.or(removed.err()).or(refreshed.err());
    applied
}

/// Carries out the part of `plan` that lets go and removes.
pub(crate) async fn remove(site: Site<'_>, plan: &Plan) -> Result<(), ApplyError> {
    // The kubelet stops nothing in a Pod while a postStart hook runs in it.
    for pod in &plan.cancel {
        site.live.stop(&pod.uid);
    }
    let released = all(plan.release.iter().map(|pod| release(site, pod)).collect()).await;
    let abandoned = all(plan.abandon.iter().map(|pod| abandon(site, pod)).collect()).await;
    let deleted = all(plan.delete.iter().map(|pod| delete(site, pod)).collect()).await;
    [released, abandoned, deleted].into_iter().flatten().collect()
}

/// Runs requests side by side, and returns what has become of each.
async fn all<T>(requests: Vec<impl Future<Output = Result<T, ApplyError>>>) -> Vec<Result<T, ApplyError>> {
    stream::iter(requests).buffer_unordered(PARALLEL).collect().await
}

/// What has become of one create.
enum Created {
    Done,
    Refused(Refusal),
}

/// Creates in batches that double while all goes well, so that a quota or a webhook that refuses every Pod is asked
/// once and not a thousand times (as `slowStartBatch` in kubernetes/pkg/controller/replicaset does).
async fn create_all(site: Site<'_>, desired: &Desired, new: &[NewPod], applied: &mut Applied) {
    let (mut rest, mut batch) = (new, 1);
    while !rest.is_empty() && applied.refusal.is_none() && applied.error.is_none() {
        let (now, later) = rest.split_at(batch.min(rest.len()));
        for result in all(now.iter().map(|pod| create(site, desired, pod)).collect()).await {
            match result {
                Ok(Created::Done) => {}
                Ok(Created::Refused(refusal)) => applied.refusal = Some(refusal),
                Err(error) => applied.error = Some(error),
            }
        }
        (rest, batch) = (later, batch * 2);
    }
}

async fn create(site: Site<'_>, desired: &Desired, new: &NewPod) -> Result<Created, ApplyError> {
    let Site { client, namespace, owner, pods: set, live: _ } = site;
    let revision = &desired.revision;
    let held = desired.evidence == Evidence::Durable;
    let pod = manifest(&desired.pod_template, owner, &new.name, revision, new.ordinal, desired.evidence);
    let parameters = PostParams { dry_run: false, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let request = pods(namespace).create(&parameters, body(&pod))?;
    let remember = |uid: &str| {
        set.lock().created(PodFact::unseen(new.ordinal, &new.name, uid, revision, held));
    };
    match send(client, request).await {
        Ok(metadata) => {
            remember(metadata.uid.as_deref().unwrap_or_default());
            Ok(Created::Done)
        }
        Err(error) if is_conflict(&error) => adopt_or_burn(site, new, error, remember).await,
        Err(error) => {
            if let Some(status) = refusal(&error) {
                set.lock().refused(new.ordinal);
                return Ok(Created::Refused(refusal_of(status)));
            }
            // The reply is lost, not the request: the same create is sent again until it has an answer.
            remember("");
            Err(ApplyError::Create(new.name.clone(), Box::new(error)))
        }
    }
}

/// The name is taken: by our own earlier create, or by somebody else's Pod, whose ordinal is then never used.
async fn adopt_or_burn(
    site: Site<'_>,
    new: &NewPod,
    conflict: Error,
    remember: impl Fn(&str),
) -> Result<Created, ApplyError> {
    let request = pods(site.namespace).get(&new.name, &GetParams::default())?;
    match send(site.client, request).await {
        Ok(metadata) if is_ours(&metadata, site.owner, new.ordinal) => {
            remember(metadata.uid.as_deref().unwrap_or_default());
            Ok(Created::Done)
        }
        Ok(_) => {
            site.pods.lock().burn(new.ordinal);
            Ok(Created::Done)
        }
        Err(_) => Err(ApplyError::Create(new.name.clone(), Box::new(conflict))),
    }
}

pub(crate) fn is_ours(metadata: &ObjectMeta, owner: &Owner, ordinal: u64) -> bool {
    let labels = metadata.labels.clone().unwrap_or_default();
    let labelled = ObservedPod::labels(|key| labels.get(key).map(String::as_str));
    let names_us = metadata.owner_references.iter().flatten().any(|reference| reference.uid == owner.uid);
    names_us && labelled.is_ok_and(|(_, number)| number == ordinal)
}

/// Deletes just this Pod: another of the same name is left alone.
async fn delete(site: Site<'_>, pod: &PodRef) -> Result<(), ApplyError> {
    let only_this = Preconditions { uid: Some(pod.uid.to_string()), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(only_this), ..DeleteParams::default() };
    let request = pods(site.namespace).delete(&pod.name, &parameters)?;
    match send(site.client, request).await {
        Ok(_) => {}
        Err(error) if is_not_found(&error) || is_conflict(&error) => {}
        Err(error) => return Err(ApplyError::Delete(Arc::clone(&pod.name), Box::new(error))),
    }
    site.pods.lock().deleted(pod.ordinal);
    Ok(())
}

/// Takes our finalizer off just this Pod.
async fn release(site: Site<'_>, pod: &PodRef) -> Result<(), ApplyError> {
    patch(site.client, site.namespace, &pod.name, &pod.uid, &without_finalizer(&pod.uid)).await?;
    site.pods.lock().released(pod.ordinal);
    Ok(())
}

/// Takes our finalizer off a Pod that no workload accounts for any more.
pub(crate) async fn release_stray(client: &Client, stray: &Stray) -> Result<(), ApplyError> {
    let Stray { namespace, name, uid } = stray;
    patch(client, namespace, name, uid, &without_finalizer(uid)).await
}

fn without_finalizer(uid: &str) -> serde_json::Value {
    json!({"metadata": {"uid": uid, "$deleteFromPrimitiveList/finalizers": [names::ACCOUNTING_FINALIZER]}})
}

/// Takes our finalizer and ourselves as owner off just this Pod: it lives on without us.
async fn abandon(site: Site<'_>, pod: &PodRef) -> Result<(), ApplyError> {
    let mut change = without_finalizer(&pod.uid);
    change["metadata"]["ownerReferences"] = json!([{"$patch": "delete", "uid": site.owner.uid}]);
    patch(site.client, site.namespace, &pod.name, &pod.uid, &change).await?;
    site.pods.lock().released(pod.ordinal);
    Ok(())
}

/// Tells Pods where the operator is reached now. The kubelet passes it on into their volumes.
async fn refresh_all(site: Site<'_>, outdated: &[PodRef]) -> Result<(), ApplyError> {
    let Some(endpoint) = site.live.endpoint().filter(|_| !outdated.is_empty()) else { return Ok(()) };
    all(outdated.iter().map(|pod| refresh(site, pod, &endpoint)).collect()).await.into_iter().collect()
}

async fn refresh(site: Site<'_>, pod: &PodRef, endpoint: &LiveEndpoint) -> Result<(), ApplyError> {
    let change = json!({"metadata": {"uid": pod.uid, "annotations": endpoint.annotations()}});
    match patch(site.client, site.namespace, &pod.name, &pod.uid, &change).await {
        // Some policy forbids it, and would the next time: it is left until the Pod changes. Its hooks are counted without
        // the live channel too.
        Err(ApplyError::Change(_, error))
            if refusal(&error).is_some_and(|status| matches!(status.code, 400 | 403 | 422)) =>
        {
            tracing::warn!(
                error = brief(&error),
                pod = &*pod.name,
                "a Pod cannot be told where the operator is"
            );
        }
        told => told?,
    }
    site.pods.lock().refreshed(pod.ordinal, endpoint.fingerprint());
    Ok(())
}

/// Changes just the Pod with that UID. One that is gone, or whose name another has taken, has nothing to let go.
async fn patch(
    client: &Client,
    namespace: &str,
    name: &str,
    uid: &str,
    change: &serde_json::Value,
) -> Result<(), ApplyError> {
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = pods(namespace).patch(name, &parameters, &Patch::Strategic(change))?;
    match send(client, request).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        // Another UID makes a change of a field that never changes, which is refused as any invalid change is.
        Err(error) if refusal(&error).is_some() && !is_there(client, namespace, name, uid).await? => Ok(()),
        Err(error) => Err(ApplyError::Change(name.into(), Box::new(error))),
    }
}

/// Whether there is a Pod of that name with that UID.
async fn is_there(client: &Client, namespace: &str, name: &str, uid: &str) -> Result<bool, ApplyError> {
    let found = find(client, namespace, name).await?;
    Ok(found.is_some_and(|metadata| metadata.uid.as_deref() == Some(uid)))
}

/// The metadata of the Pod of that name, if there is one.
pub(crate) async fn find(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<ObjectMeta>, ApplyError> {
    let request = pods(namespace).get(name, &GetParams::default())?;
    match send(client, request).await {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(ApplyError::Find(name.into(), Box::new(error))),
    }
}
