//! What the API server still knows of a Pod: the Pod, its Events, and what its workload remembers.

use hooked_core::lifecycle::evidence::PodEvidence;
use hooked_core::lifecycle::kubelet::{self, KubeletEvent};
use hooked_crd::{HookRunStatus, HookedWorkload, KillStatus};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use crate::connect::Connection;
use crate::pods::{PodObject, owner};
use crate::request::{Asked, Request, RequestError};
use crate::workloads::{get, workloads};

/// A Pod that is there.
pub(super) struct Found {
    pub(super) pod: PodObject,
    /// The same with all its fields, for what is told and not judged by.
    pub(super) whole: Value,
    /// What the kubelet's Events say.
    pub(super) events: Vec<PodEvidence>,
    /// Runs of this Pod that its workload remembers, newest first.
    pub(super) runs: Vec<HookRunStatus>,
    /// What could not be had, in words.
    pub(super) missing: Vec<String>,
}

/// What a workload remembers of a Pod.
pub(super) struct Memory {
    pub(super) workload: String,
    /// Newest first.
    pub(super) runs: Vec<HookRunStatus>,
    /// Kills of which it was the last.
    pub(super) kills: Vec<KillStatus>,
}

/// Everything about a Pod. Without the Pod nothing can be said; without the rest less.
pub(super) async fn fetch(connection: &Connection, name: &str) -> Result<Found, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "get", asked: Asked::Pod, name, namespace };
    let kind = ApiResource::erase::<Pod>(&());
    let pods: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &kind);
    let unreadable = |error| request.failed(&kube::Error::SerdeError(error));
    let whole = pods.get(name).await.map_err(|error| request.failed(&error))?;
    let whole = serde_json::to_value(whole).map_err(unreadable)?;
    let pod: PodObject = serde_json::from_value(whole.clone()).map_err(unreadable)?;
    let mut missing = Vec::new();
    let events = events(connection, &pod.uid().unwrap_or_default()).await.unwrap_or_else(|error| {
        missing.push(format!("Events are not taken into account: {error}"));
        Vec::new()
    });
    let mut runs = Vec::new();
    if let Some((_, workload)) = owner(&pod) {
        match get(connection, workload).await {
            Ok(workload) => {
                let uid = pod.metadata.uid.as_deref();
                runs = runs_of(&workload, |run| Some(run.pod_uid.as_str()) == uid);
            }
            Err(error) => missing.push(format!("what its workload remembers is not shown: {error}")),
        }
    }
    Ok(Found { pod, whole, events, runs, missing })
}

/// What the kubelet has said of a Pod in Events. Nobody else knows what a hook did.
async fn events(connection: &Connection, uid: &str) -> Result<Vec<PodEvidence>, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "list", asked: Asked::Event, name: "", namespace };
    let events: Api<Event> = Api::namespaced(connection.client.clone(), namespace);
    let about = ListParams::default().fields(&format!("involvedObject.kind=Pod,involvedObject.uid={uid}"));
    let listed = events.list(&about).await.map_err(|error| request.failed(&error))?;
    let evidence = listed.items.iter().filter(|event| is_from_kubelet(event)).filter_map(read);
    Ok(evidence.collect())
}

fn is_from_kubelet(event: &Event) -> bool {
    // Older kubelets name themselves only as the source, newer ones as both.
    let source = event.source.as_ref().and_then(|source| source.component.as_deref());
    let component = source.filter(|name| !name.is_empty()).or(event.reporting_component.as_deref());
    component == Some("kubelet")
}

fn read(event: &Event) -> Option<PodEvidence> {
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    kubelet::read_event(&KubeletEvent {
        reason: event.reason.as_deref().unwrap_or_default(),
        field_path: event.involved_object.field_path.as_deref().unwrap_or_default(),
        message: event.message.as_deref().unwrap_or_default(),
        first: first.or(event.event_time.as_ref().map(|time| time.0)),
        last: event.last_timestamp.as_ref().map(|time| time.0),
    })
}

/// What the workloads of the namespace remember of a Pod of that name.
pub(super) async fn remembered(connection: &Connection, pod: &str) -> Result<Vec<Memory>, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "list", asked: Asked::Workload, name: "", namespace };
    let mut memories = Vec::new();
    // Few at a time: each has its account book with it.
    let mut parameters = ListParams::default().limit(50);
    loop {
        let page = match workloads(connection).list(&parameters).await.map_err(|error| request.failed(&error))
        {
            // Where there are no HookedWorkloads nobody can remember.
            Err(RequestError::NotInstalled) => return Ok(memories),
            page => page?,
        };
        memories.extend(page.items.iter().filter_map(|workload| memory(workload, pod)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(memories),
        }
    }
}

fn memory(workload: &HookedWorkload, pod: &str) -> Option<Memory> {
    let runs = runs_of(workload, |run| run.pod == pod);
    let kills = workload.status.iter().flat_map(|status| &status.kills);
    let kills: Vec<KillStatus> =
        kills.filter(|kill| kill.last_pod.as_deref() == Some(pod)).cloned().collect();
    let known = !runs.is_empty() || !kills.is_empty();
    known.then(|| Memory { workload: workload.name_any(), runs, kills })
}

fn runs_of(workload: &HookedWorkload, of_pod: impl Fn(&HookRunStatus) -> bool) -> Vec<HookRunStatus> {
    let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
    runs.filter(|run| of_pod(run)).cloned().collect()
}
