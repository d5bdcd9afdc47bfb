//! Finding the workload whose Pods are watched, and who controls what controls a Pod: their metadata alone is asked
//! for.

use std::collections::BTreeMap;

use hooked_crd::Referent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;
use serde_json::Value;

use super::super::{Cluster, Failure, Locked, Memory, call};
use super::asked::Asked;
use crate::workload::referent::Found;

/// The names that kinds have in paths, as far as they were asked for.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// By group and version, and kind.
    resources: BTreeMap<(String, String), String>,
}

/// Kinds of Kubernetes itself that make Pods, or make those.
const KNOWN: [(&str, &str, &str); 7] = [
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "Job", "jobs"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("v1", "ReplicationController", "replicationcontrollers"),
];

impl Kinds {
    /// The name in paths of a kind whose objects are in namespaces; none if the API server knows no such kind.
    async fn resource<C: Cluster>(
        &mut self,
        cluster: &C,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<String>, Failure> {
        let known = KNOWN.iter().find(|(version, known, _)| (*version, *known) == (api_version, kind));
        if let Some((_, _, resource)) = known {
            return Ok(Some((*resource).to_owned()));
        }
        let asked = (api_version.to_owned(), kind.to_owned());
        if let Some(resource) = self.resources.get(&asked) {
            return Ok(Some(resource.clone()));
        }
        // Whoever makes an object writes what they like into its references.
        if !api_version.split('/').all(is_path_word) {
            return Ok(None);
        }
        let listed = match cluster.send(call::list_kinds(api_version)).await {
            Ok(listed) => listed,
            Err(failure) if is_unreadable(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let found = resource_in(&listed, kind);
        if let Some(resource) = &found {
            self.resources.insert(asked, resource.clone());
        }
        Ok(found)
    }
}

/// The name in paths of a kind, in an `APIResourceList`. Subresources have a slash in theirs.
fn resource_in(listed: &Value, kind: &str) -> Option<String> {
    let mut resources = listed["resources"].as_array()?.iter();
    let is_meant = |resource: &&Value| {
        let name = resource["name"].as_str().unwrap_or_default();
        resource["kind"] == kind && resource["namespaced"] == true && !name.contains('/')
    };
    Some(resources.find(is_meant)?["name"].as_str()?.to_owned())
}

/// Whether this may stand in a path and means no other one.
fn is_path_word(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    !word.is_empty() && word != "." && word != ".." && word.bytes().all(is_plain)
}

/// What a role must name, such as `deployments.apps`.
fn qualified(resource: &str, api_version: &str) -> String {
    match api_version.split_once('/') {
        Some((group, _)) => format!("{resource}.{group}"),
        None => resource.to_owned(),
    }
}

/// What the API server says of the workload that is named, or what it has said a moment ago.
pub(super) async fn find<C: Cluster>(
    cluster: &C,
    namespace: &str,
    referent: &Referent,
    memory: &Locked<Memory>,
) -> Found {
    let now = cluster.now();
    let (before, has_pods) = {
        let memory = memory.lock();
        let before = memory.watching.as_ref().and_then(|watching| watching.found.clone());
        (before, memory.replicas.iter().next().is_some())
    };
    if let Some(known) = before.as_ref().filter(|known| known.is_believed(has_pods, now)) {
        return known.found.clone();
    }
    let found = ask(cluster, namespace, referent).await;
    if let Some(watching) = &mut memory.lock().watching {
        watching.found = Some(Asked::now(found.clone(), before.as_ref(), now));
    }
    found
}

async fn ask<C: Cluster>(cluster: &C, namespace: &str, referent: &Referent) -> Found {
    let Referent { api_version, kind, name } = referent;
    if !is_path_word(name) {
        return Found::NotThere;
    }
    let resource = match Kinds::default().resource(cluster, api_version, kind).await {
        Ok(Some(resource)) => resource,
        Ok(None) => return Found::UnknownKind,
        Err(failure) => return Found::Unchecked(failure.to_string()),
    };
    match cluster.send(call::find_object(namespace, api_version, &resource, name)).await {
        Ok(_) => Found::There,
        Err(failure) if failure.is_not_found() => Found::NotThere,
        Err(failure) if is_forbidden(&failure) => {
            Found::Forbidden { resource: qualified(&resource, api_version) }
        }
        Err(failure) => Found::Unchecked(failure.to_string()),
    }
}

/// Whether the server says that this cannot be read as it is asked for: to ask again at once says the same.
fn is_unreadable(failure: &Failure) -> bool {
    failure.refusal().is_some_and(|refused| matches!(refused.code, 400 | 403..=406))
}

fn is_forbidden(failure: &Failure) -> bool {
    failure.refusal().is_some_and(|refused| refused.code == 403)
}

/// Who controls an object that controls a Pod or another such object.
#[derive(Clone, Debug, PartialEq)]
pub enum Controlled {
    /// This object.
    By(OwnerReference),
    /// Nobody, or it is gone: the chain ends with it.
    ByNobody,
    /// The operator may not read it, or the API server knows no such kind.
    Unreadable,
}

/// Asks who controls the object that `owner` names in a namespace.
pub async fn find_controller<C: Cluster>(
    cluster: &C,
    kinds: &mut Kinds,
    namespace: &str,
    owner: &OwnerReference,
) -> Result<Controlled, Failure> {
    let resource = kinds.resource(cluster, &owner.api_version, &owner.kind).await?;
    let Some(resource) = resource.filter(|_| is_path_word(&owner.name)) else {
        return Ok(Controlled::Unreadable);
    };
    let found =
        match cluster.send(call::find_object(namespace, &owner.api_version, &resource, &owner.name)).await {
            Ok(found) => found,
            Err(failure) if failure.is_not_found() => return Ok(Controlled::ByNobody),
            Err(failure) if is_unreadable(&failure) => return Ok(Controlled::Unreadable),
            Err(failure) => return Err(failure),
        };
    let metadata = ObjectMeta::deserialize(&found["metadata"]).unwrap_or_default();
    // Another object of that name: the one that is meant is gone.
    if metadata.uid.as_deref() != Some(&owner.uid) {
        return Ok(Controlled::ByNobody);
    }
    let mut owners = metadata.owner_references.into_iter().flatten();
    Ok(owners.find(|owner| owner.controller == Some(true)).map_or(Controlled::ByNobody, Controlled::By))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_found_in_what_the_api_server_lists_of_its_group() {
        let listed = json!({"kind": "APIResourceList", "resources": [
            {"name": "clonesets/status", "kind": "CloneSet", "namespaced": true},
            {"name": "clonesets", "kind": "CloneSet", "namespaced": true},
            {"name": "imagelistpulljobs", "kind": "ImageListPullJob", "namespaced": false},
        ]});
        for (kind, expect) in
            [("CloneSet", Some("clonesets")), ("ImageListPullJob", None), ("SidecarSet", None)]
        {
            assert_eq!(resource_in(&listed, kind).as_deref(), expect, "{kind}");
        }
    }

    #[test]
    fn what_would_lead_a_path_elsewhere_is_no_part_of_one() {
        for word in ["web", "web-1", "apps.kruise.io", "v1alpha1", "system:web"] {
            assert!(is_path_word(word), "{word}");
        }
        for word in ["", ".", "..", "a/b", "a?watch=true", "a b", "%2e", "é"] {
            assert!(!is_path_word(word), "{word}");
        }
    }

    #[test]
    fn a_role_names_a_resource_with_its_group() {
        assert_eq!(qualified("clonesets", "apps.kruise.io/v1alpha1"), "clonesets.apps.kruise.io");
        assert_eq!(qualified("replicationcontrollers", "v1"), "replicationcontrollers");
    }
}
