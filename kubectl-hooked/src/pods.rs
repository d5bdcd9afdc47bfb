//! Pods as the operator reads them, so that both come to the same conclusions.

use hooked_core::lifecycle::{ContainerState, ContainerStateKind, ObservedPod, PodSpec, PodStatus};
use hooked_core::names;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{ApiResource, Object};
use kube::{Api, ResourceExt};

use crate::connect::Connection;

/// A Pod with just the fields that decisions read.
pub(crate) type PodObject = Object<PodSpec, PodStatus>;

/// The Pods of the namespace.
pub(crate) fn pods(connection: &Connection) -> Api<PodObject> {
    let kind = ApiResource::erase::<Pod>(&());
    Api::namespaced_with(connection.client.clone(), &connection.namespace, &kind)
}

/// The UID of the HookedWorkload that controls the Pod, and its name.
pub(crate) fn owner(pod: &PodObject) -> Option<(&str, &str)> {
    let owner = pod.owner_references().iter().find(|owner| owner.controller == Some(true))?;
    let ours = owner.kind == names::KIND && owner.api_version == names::API_VERSION;
    ours.then_some((owner.uid.as_str(), owner.name.as_str()))
}

/// The Pod as evidence. One of another controller has neither revision nor number, which nothing here asks for.
pub(crate) fn report(pod: &PodObject) -> ObservedPod {
    let labels = ObservedPod::labels(|key| pod.labels().get(key).map(String::as_str));
    let (revision, ordinal) = labels.unwrap_or_default();
    ObservedPod {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        owner_uid: owner(pod).map(|(uid, _)| uid.to_owned()).unwrap_or_default(),
        revision,
        number: ordinal,
        generation: pod.metadata.generation,
        deletion_timestamp: pod.metadata.deletion_timestamp.as_ref().map(|time| time.0),
        deletion_grace_seconds: pod.metadata.deletion_grace_period_seconds,
        has_finalizer: pod.finalizers().iter().any(|finalizer| finalizer == names::ACCOUNTING_FINALIZER),
        live: None,
        spec: pod.spec.clone(),
        status: pod.status.clone().unwrap_or_default(),
    }
}

/// The state of a Pod in a word, as `kubectl get pods` has it.
pub(crate) fn state_of(report: &ObservedPod) -> String {
    let status = &report.status;
    let word = match (&report.deletion_timestamp, &status.reason) {
        (Some(_), _) => Some("Terminating"),
        (None, Some(reason)) if !reason.is_empty() => Some(reason.as_str()),
        _ => report.container_statuses().find_map(|container| waits_for(&container.state)),
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
