//! Revisions: each template that was ever rolled out is stored, so that a paused workload can replace its Pods and a
//! user can go back.

use hooked_core::names;
use hooked_core::workload::desired::{Desired, DesiredError, PodHooks};
use hooked_core::workload::revision::short_hash;
use hooked_core::workload::template::Owner;
use hooked_crd::{HookedWorkloadSpec, HookedWorkloadStatus};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::context::{Context, FIELD_MANAGER};
use crate::request;

/// What the name of an object may have at most.
const MAX_NAME: usize = 253;

#[derive(Debug, Error)]
pub(crate) enum ReviseError {
    #[error(transparent)]
    Desired(#[from] DesiredError),
    #[error("revision {0} could not be stored: {why}", why = request::brief(.1))]
    Store(String, #[source] kube::Error),
    #[error("revision {0}, at which the workload is held, could not be read: {why}", why = request::brief(.1))]
    Read(String, #[source] kube::Error),
    #[error("the request for a revision could not be made: {0}")]
    Build(#[from] kube::core::request::Error),
}

/// A spec with its revision stored.
#[derive(Debug)]
pub(crate) struct Revised {
    pub(crate) desired: Desired,
    pub(crate) collision_count: Option<i32>,
}

/// What a workload asks of a revision store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) owner: &'a Owner,
    pub(crate) generation: i64,
    pub(crate) spec: &'a HookedWorkloadSpec,
    pub(crate) status: &'a HookedWorkloadStatus,
}

/// Parses the spec and stores its revision. A paused workload is held at the revision that was last rolled out.
pub(crate) async fn revise(context: &Context, subject: Subject<'_>) -> Result<Revised, ReviseError> {
    let mut collisions = subject.status.collision_count.unwrap_or(0);
    let mut desired = Desired::from_spec(subject.spec, collisions)?;
    if subject.spec.paused == Some(true) {
        let held = match subject.status.update_revision.clone() {
            None => desired,
            Some(same) if same == desired.revision => {
                let (template, hooks) = (desired.template.clone(), desired.pod_hooks.clone());
                desired.held_at(same, template, hooks)?
            }
            Some(other) => {
                let (template, hooks) = read(context, subject, &other).await?;
                desired.held_at(other, template, hooks)?
            }
        };
        return Ok(Revised { desired: held, collision_count: subject.status.collision_count });
    }
    while !store(context, subject, &desired).await? {
        collisions += 1;
        desired = Desired::from_spec(subject.spec, collisions)?;
    }
    let collision_count = (collisions > 0).then_some(collisions);
    Ok(Revised { desired, collision_count })
}

/// What a workload goes on with whose template is refused; none if nothing was rolled out before.
pub(crate) async fn earlier(
    context: &Context,
    subject: Subject<'_>,
    refused: &Desired,
) -> Result<Option<Desired>, ReviseError> {
    let Some(revision) = revision_before(subject.status, &refused.revision) else { return Ok(None) };
    let (template, hooks) = read(context, subject, revision).await?;
    Ok(Some(refused.clone().held_at(revision.to_owned(), template, hooks)?))
}

/// The revision that was rolled out completely, or else the one that was being rolled out, before `refused` was asked for.
fn revision_before<'a>(status: &'a HookedWorkloadStatus, refused: &str) -> Option<&'a str> {
    let known = [&status.current_revision, &status.update_revision];
    known.into_iter().flatten().map(String::as_str).find(|revision| *revision != refused)
}

/// A deleted workload as far as it can be read: its Pods are stopped and counted whatever its template has become.
pub(crate) fn leaving_as(
    spec: &HookedWorkloadSpec,
    status: &HookedWorkloadStatus,
) -> Result<Revised, DesiredError> {
    let collision_count = status.collision_count;
    let desired = Desired::from_spec(spec, collision_count.unwrap_or(0)).or_else(|_| {
        let mut bare = spec.clone();
        bare.template.0 = json!({"spec": {}});
        Desired::from_spec(&bare, collision_count.unwrap_or(0))
    })?;
    Ok(Revised { desired, collision_count })
}

pub(crate) fn revision_name(owner: &Owner, revision: &str) -> String {
    let name = format!("{}-{revision}", owner.name);
    if name.len() <= MAX_NAME {
        return name;
    }
    // Two long names that are cut alike are told apart by what comes after.
    let suffix = format!("-{revision}-{}", short_hash(&[&owner.uid], 6));
    let base = owner.name.get(..MAX_NAME - suffix.len()).unwrap_or_default().trim_end_matches(['-', '.']);
    format!("{base}{suffix}")
}

/// Stores a revision; false if another template has taken its name.
async fn store(context: &Context, subject: Subject<'_>, desired: &Desired) -> Result<bool, ReviseError> {
    let key = (subject.owner.uid.clone(), desired.revision.clone());
    if context.stored.has(&key) {
        return Ok(true);
    }
    let name = revision_name(subject.owner, &desired.revision);
    let manifest = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "labels": {names::REVISION_LABEL: desired.revision, names::WORKLOAD_UID_LABEL: subject.owner.uid},
            "ownerReferences": [subject.owner.reference()],
        },
        // Numbers only have to grow: the generation of the workload does.
        "revision": subject.generation,
        "data": data(desired),
    });
    let failed = |error| ReviseError::Store(desired.revision.clone(), error);
    let parameters = PostParams { dry_run: false, field_manager: Some(FIELD_MANAGER.to_owned()) };
    let create = request::revisions(subject.namespace).create(&parameters, request::body(&manifest))?;
    match request::send(&context.client, create).await {
        Ok(_) => {}
        Err(error) if request::is_conflict(&error) => {
            let revisions: Api<ControllerRevision> =
                Api::namespaced(context.client.clone(), subject.namespace);
            let stored = revisions.get(&name).await.map_err(failed)?;
            let same = stored.data.as_ref().is_some_and(|stored| stored.0 == data(desired));
            if !same || !is_owned(&stored, subject.owner) {
                return Ok(false);
            }
            if stored.revision < subject.generation
                && subject.status.update_revision.as_ref() != Some(&desired.revision)
            {
                // The user has gone back to it: it is the newest again.
                let newest = Patch::Merge(json!({"revision": subject.generation}));
                revisions.patch(&name, &PatchParams::apply(FIELD_MANAGER), &newest).await.map_err(failed)?;
            }
        }
        Err(error) => return Err(failed(error)),
    }
    // What is stored of the workload is another now, and is looked up when its rollout is complete.
    context.histories.lock().remove(&subject.owner.uid);
    context.stored.lock().insert(key);
    Ok(true)
}

/// All that decides about the Pods of a revision.
fn data(desired: &Desired) -> Value {
    let mut data = json!({"template": desired.template});
    let hooks = desired.pod_hooks.to_value();
    if !hooks.is_null() {
        data["hooks"] = hooks;
    }
    data
}

async fn read(
    context: &Context,
    subject: Subject<'_>,
    revision: &str,
) -> Result<(Value, PodHooks), ReviseError> {
    let revisions: Api<ControllerRevision> = Api::namespaced(context.client.clone(), subject.namespace);
    let stored = revisions.get(&revision_name(subject.owner, revision)).await;
    let stored = stored.map_err(|error| ReviseError::Read(revision.to_owned(), error))?;
    let data = stored.data.map(|data| data.0).unwrap_or_default();
    let hooks = PodHooks::deserialize(&data["hooks"]).unwrap_or_default();
    Ok((data["template"].clone(), hooks))
}

pub(crate) fn is_owned(stored: &ControllerRevision, owner: &Owner) -> bool {
    stored.owner_references().iter().any(|reference| reference.uid == owner.uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_of_a_workload_with_the_longest_name_has_a_name_that_is_allowed_and_its_own() {
        let name = |uid: &str, length| {
            let owner = Owner { name: "a".repeat(length), uid: uid.to_owned() };
            revision_name(&owner, "6c9fbdtzkw")
        };
        assert_eq!(name("u-1", 3), "aaa-6c9fbdtzkw");
        assert_eq!(name("u-1", 253).len(), MAX_NAME);
        assert_ne!(name("u-1", 253), name("u-2", 253));
    }

    fn check_before(current: Option<&str>, update: Option<&str>, expect: Option<&str>) {
        let owned = |revision: Option<&str>| revision.map(str::to_owned);
        let status = HookedWorkloadStatus {
            current_revision: owned(current),
            update_revision: owned(update),
            ..HookedWorkloadStatus::default()
        };
        assert_eq!(revision_before(&status, "refused"), expect, "{current:?} {update:?}");
    }

    #[test]
    fn a_refused_template_leaves_the_revision_that_was_complete_or_else_the_one_under_way() {
        check_before(None, None, None);
        check_before(Some("one"), Some("one"), Some("one"));
        check_before(Some("one"), Some("two"), Some("one"));
        check_before(None, Some("one"), Some("one"));
        // What was taken once may be refused by a later API server.
        check_before(Some("refused"), Some("refused"), None);
    }

    #[test]
    fn a_deleted_workload_is_accounted_for_though_its_template_cannot_be_read() {
        let spec = json!({"selector": {}, "replicas": 3, "template": {"spec": {"containers": [null]}}});
        let spec: HookedWorkloadSpec = serde_json::from_value(spec).unwrap();
        assert!(Desired::from_spec(&spec, 0).is_err());
        let leaving = leaving_as(&spec, &HookedWorkloadStatus::default()).unwrap();
        assert_eq!(leaving.desired.replicas, 3);
    }
}
