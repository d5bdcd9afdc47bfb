//! Pods as the operator reads them, so that both come to the same conclusions.

use hooked_core::lifecycle::{
    ContainerState, ContainerStateKind, ObservedPod, PodSpec, PodStatus, controlling_workload,
    read_watched_ordinal, watched_ordinal,
};
use hooked_core::names;
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::{ApiResource, Object};
use kube::{Api, ResourceExt};

use crate::connect::Connection;
use crate::pages;
use crate::request::{Asked, Request, RequestError};

/// Pods that one reply holds. A Pod takes some 10 KiB.
const PAGE: u32 = 500;

/// A Pod with just the fields that decisions read.
pub(crate) type PodObject = Object<PodSpec, PodStatus>;

/// The Pods of the namespace.
pub(crate) fn pods(connection: &Connection) -> Api<PodObject> {
    let kind = ApiResource::erase::<Pod>(&());
    Api::namespaced_with(connection.client.clone(), &connection.namespace, &kind)
}

/// Has every Pod of a workload looked at.
pub(crate) async fn each_of(
    connection: &Connection,
    workload: &HookedWorkload,
    mut look: impl FnMut(&PodObject),
) -> Result<(), RequestError> {
    let request = Request { verb: "list", asked: Asked::Pod, name: "", namespace: &connection.namespace };
    let parameters = ListParams { label_selector: selector(workload), ..ListParams::default() }.limit(PAGE);
    let look = |pod: &PodObject| {
        if is_of(pod, workload) {
            look(pod);
        }
    };
    pages::each(&pods(connection), parameters, request, look).await
}

/// Selects the workload's Pods, and few others. Until the operator has seen the workload there are none. Of Pods that
/// others make no label tells: none where the workload watches such.
pub(crate) fn selector(workload: &HookedWorkload) -> Option<String> {
    if workload.spec.workload_ref.is_some() {
        return None;
    }
    Some(labels(workload.status.as_ref().and_then(|status| status.selector.as_deref())))
}

/// Selects the Pods of a workload whose status has this selector, and few others.
pub(crate) fn labels(selector: Option<&str>) -> String {
    let parts = selector.into_iter().filter(|selector| !selector.is_empty());
    parts.chain([names::REVISION_LABEL]).collect::<Vec<_>>().join(",")
}

/// Whether a Pod is one of the workload's: the workload controls it, or has given it a number.
pub(crate) fn is_of(pod: &PodObject, workload: &HookedWorkload) -> bool {
    let uid = workload.metadata.uid.as_deref().unwrap_or_default();
    if workload.spec.workload_ref.is_some() {
        let written = pod.annotations().get(&watched_ordinal(uid)).map(String::as_str);
        return read_watched_ordinal(written, uid).is_ok();
    }
    controlling_workload(&pod.metadata).is_some_and(|owner| owner.uid == uid)
}

/// How many Pods are wanted. Of Pods that others make only those know: what is there passes for wanted.
pub(crate) fn wanted(workload: &HookedWorkload) -> i32 {
    match &workload.spec.workload_ref {
        Some(_) => workload.status.as_ref().map_or(0, |status| status.replicas),
        None => workload.spec.replicas.unwrap_or(1),
    }
}

/// The Pod as core reads it.
pub(crate) fn observed(pod: &PodObject) -> ObservedPod {
    let mut observed =
        ObservedPod::decode(&pod.metadata, pod.spec.clone(), pod.status.clone().unwrap_or_default());
    if observed.revision.is_empty() {
        let hashes = [names::TEMPLATE_HASH_LABEL, names::CONTROLLER_HASH_LABEL];
        let hash = hashes.into_iter().find_map(|key| pod.labels().get(key));
        observed.revision = hash.cloned().unwrap_or_default();
    }
    observed
}

/// The state of a Pod in a word, as `kubectl get pods` has it.
pub(crate) fn state_of(pod: &ObservedPod) -> String {
    let status = &pod.status;
    let word = match (&pod.deletion_timestamp, &status.reason) {
        (Some(_), _) => Some("Terminating"),
        (None, Some(reason)) if !reason.is_empty() => Some(reason.as_str()),
        _ => pod.container_statuses().find_map(|container| waits_for(&container.state)),
    };
    word.or(status.phase.as_deref()).unwrap_or("Pending").to_owned()
}

fn waits_for(state: &ContainerState) -> Option<&str> {
    match state.kind() {
        ContainerStateKind::Waiting(waiting) if !waiting.reason.is_empty() => Some(word(&waiting.reason)),
        _ => None,
    }
}

/// The state of a container in a few words. A message is no part of them: it may quote a hook's output.
pub(crate) fn container_state(state: &ContainerState) -> String {
    match state.kind() {
        ContainerStateKind::Running(_) => "running".to_owned(),
        ContainerStateKind::Waiting(waiting) if waiting.reason.is_empty() => "waiting".to_owned(),
        ContainerStateKind::Waiting(waiting) => format!("waiting: {}", word(&waiting.reason)),
        ContainerStateKind::Terminated(ended) => format!("ended with {}", ended.exit_code),
        ContainerStateKind::Unreported => "not started".to_owned(),
    }
}

/// A reason without what some versions have put behind it: `PostStartHookError: …`.
fn word(reason: &str) -> &str {
    reason.split(':').next().unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use hooked_core::lifecycle::ordinal;
    use serde_json::json;

    use super::*;

    fn check(watches: bool, pod: &serde_json::Value, expect: bool) {
        let mut workload = json!({
            "metadata": {"name": "web", "uid": "w-1"},
            "spec": {"selector": {}, "template": {"spec": {"containers": []}}},
        });
        if watches {
            let referent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
            workload["spec"] = json!({"workloadRef": referent});
        }
        let workload: HookedWorkload = serde_json::from_value(workload).unwrap();
        let manifest = json!({"metadata": pod, "spec": {"containers": []}});
        let pod: PodObject = serde_json::from_value(manifest).unwrap();
        assert_eq!(is_of(&pod, &workload), expect, "{pod:?}");
        assert_eq!(selector(&workload).is_none(), watches);
    }

    #[test]
    fn a_pod_is_a_workloads_that_controls_it_or_has_given_it_a_number() {
        let owner = |uid: &str| {
            json!({"name": "web-1", "ownerReferences": [{
                "apiVersion": names::API_VERSION, "kind": names::KIND, "name": "web", "uid": uid, "controller": true,
            }]})
        };
        let bearing = |annotated: &str, uid: &str| json!({"name": "web-1", "annotations": {watched_ordinal(annotated): ordinal(3, uid)}});
        check(false, &owner("w-1"), true);
        check(false, &owner("w-2"), false);
        check(false, &bearing("w-1", "w-1"), false);
        check(true, &bearing("w-1", "w-1"), true);
        check(true, &bearing("w-2", "w-2"), false);
        check(true, &bearing("w-1", "w-2"), false);
        check(true, &owner("w-1"), false);
    }
}
