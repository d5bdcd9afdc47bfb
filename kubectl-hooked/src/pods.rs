//! Pods as the operator reads them, so that both come to the same conclusions.

use hooked_core::lifecycle::{
    ContainerState, ContainerStateKind, ObservedPod, PodSpec, PodStatus, controlling_workload,
};
use hooked_core::names;
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use kube::core::{ApiResource, Object};

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
    let parameters = ListParams::default().labels(&selector(workload)).limit(PAGE);
    let look = |pod: &PodObject| {
        if is_of(pod, workload) {
            look(pod);
        }
    };
    pages::each(&pods(connection), parameters, request, look).await
}

/// Selects the workload's Pods, and few others. Until the operator has seen the workload there are none.
pub(crate) fn selector(workload: &HookedWorkload) -> String {
    labels(workload.status.as_ref().and_then(|status| status.selector.as_deref()))
}

/// Selects the Pods of a workload whose status has this selector, and few others.
pub(crate) fn labels(selector: Option<&str>) -> String {
    let parts = selector.into_iter().filter(|selector| !selector.is_empty());
    parts.chain([names::REVISION_LABEL]).collect::<Vec<_>>().join(",")
}

/// Whether a Pod is one of the workload's.
pub(crate) fn is_of(pod: &PodObject, workload: &HookedWorkload) -> bool {
    let owner = controlling_workload(&pod.metadata);
    owner.is_some_and(|owner| workload.metadata.uid.as_ref() == Some(&owner.uid))
}

/// The Pod as core reads it.
pub(crate) fn observed(pod: &PodObject) -> ObservedPod {
    ObservedPod::decode(&pod.metadata, pod.spec.clone(), pod.status.clone().unwrap_or_default())
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
