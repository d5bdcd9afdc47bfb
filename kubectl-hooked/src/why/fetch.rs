//! What the API server still knows of a Pod: the Pod, its Events, and what its workload remembers.

use hooked_core::lifecycle::{ObservedEvent, controlling_workload};
use hooked_crd::{HookRunStatus, HookedWorkload, KillStatus};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use crate::connect::Connection;
use crate::pages;
use crate::pods::PodObject;
use crate::request::{Asked, Request, RequestError};
use crate::workloads::{PAGE, get, workloads};

/// A Pod that is there.
pub(super) struct Found {
    pub(super) pod: PodObject,
    /// The same with all its fields, for what is shown and decides nothing.
    pub(super) whole: Value,
    /// The Events about the Pod.
    pub(super) events: Vec<ObservedEvent>,
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

/// Everything about a Pod. Without the Pod there is nothing to explain; without the rest there is less.
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
    if let Some(owner) = controlling_workload(&pod.metadata) {
        match get(connection, &owner.name).await {
            Ok(workload) => {
                let uid = pod.metadata.uid.as_deref();
                runs = runs_of(&workload, |run| Some(run.pod_uid.as_str()) == uid);
            }
            Err(error) => missing.push(format!("what its workload remembers is not shown: {error}")),
        }
    }
    Ok(Found { pod, whole, events, runs, missing })
}

/// The Events about a Pod.
async fn events(connection: &Connection, uid: &str) -> Result<Vec<ObservedEvent>, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "list", asked: Asked::Event, name: "", namespace };
    let kind = ApiResource::erase::<Event>(&());
    let events: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &kind);
    let about = ListParams::default().fields(&format!("involvedObject.kind=Pod,involvedObject.uid={uid}"));
    let listed = events.list(&about).await.map_err(|error| request.failed(&error))?;
    let unreadable = |error| request.failed(&kube::Error::SerdeError(error));
    listed.items.into_iter().map(|event| serde_json::from_value(event.data).map_err(unreadable)).collect()
}

/// What the workloads of the namespace remember of a Pod of that name.
pub(super) async fn remembered(connection: &Connection, pod: &str) -> Result<Vec<Memory>, RequestError> {
    let namespace = &connection.namespace;
    let request = Request { verb: "list", asked: Asked::Workload, name: "", namespace };
    let mut memories = Vec::new();
    let look = |workload: &HookedWorkload| memories.extend(memory(workload, pod));
    match pages::each(&workloads(connection), ListParams::default().limit(PAGE), request, look).await {
        // Where there are no HookedWorkloads nobody can remember.
        Err(RequestError::NotInstalled) => {}
        looked => looked?,
    }
    Ok(memories)
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
