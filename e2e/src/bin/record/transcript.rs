//! What a watch shows of a Pod and of its Events, with the times at which it was seen.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::StreamExt;
use hooked_e2e::{Space, wait_within};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::Api;
use kube_runtime::watcher;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::scenarios::Scenario;

/// How long nothing must have come before a recording is complete: Events are sent late.
const QUIET: Duration = Duration::from_secs(4);

type Entries = Arc<Mutex<Vec<Value>>>;

/// A recording that goes on until it is ended or dropped.
pub(crate) struct Recording {
    entries: Entries,
    _watches: JoinSet<()>,
}

impl Recording {
    /// Begins to record what happens in the namespace.
    pub(crate) fn begin(space: &Space) -> Self {
        let entries = Entries::default();
        let mut watches = JoinSet::new();
        let (client, name) = (space.cluster.client.clone(), &space.name);
        let (pods, events) = (Arc::clone(&entries), Arc::clone(&entries));
        watches
            .spawn(follow::<Pod>(Api::namespaced(client.clone(), name), move |pod| note(&pods, "pod", pod)));
        watches.spawn(follow::<Event>(Api::namespaced(client, name), move |event| {
            note(&events, "event", event);
        }));
        Self { entries, _watches: watches }
    }

    /// Waits until nothing more comes, and returns all that came.
    pub(crate) async fn end(self) -> Result<Vec<Value>> {
        let mut last = (self.count(), Instant::now());
        wait_within(Duration::from_secs(60), "quiet", async || {
            let now = self.count();
            if now != last.0 {
                last = (now, Instant::now());
            }
            Ok(if last.1.elapsed() >= QUIET { Ok(()) } else { Err(format!("{now} entries")) })
        })
        .await?;
        Ok(self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn count(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Writes a transcript: a line for each thing that was seen.
pub(crate) fn write(path: &Path, scenario: &Scenario, entries: &[Value]) -> Result<()> {
    let lines: Vec<String> = entries.iter().map(|entry| format!("    {entry}")).collect();
    let text = format!(
        "{{\n  \"about\": {},\n  \"expect\": {},\n  \"entries\": [\n{}\n  ]\n}}\n",
        json!(scenario.about),
        scenario.expect,
        lines.join(",\n")
    );
    Ok(std::fs::write(path, text)?)
}

async fn follow<K>(api: Api<K>, note: impl Fn(&K) + Send + 'static)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let mut changes = watcher(api, watcher::Config::default()).boxed();
    while let Some(change) = changes.next().await {
        if let Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) = change {
            note(&object);
        }
    }
}

fn note(entries: &Entries, kind: &str, object: &impl serde::Serialize) {
    let mut object = json!(object);
    for (path, fields) in READ {
        for part in object.pointer_mut(path).into_iter().flat_map(parts) {
            part.retain(|field, _| fields.contains(&&**field));
        }
    }
    let entry = json!({"seen": Timestamp::now(), kind: object});
    entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
}

/// The objects that a value is, or is a list of.
fn parts(value: &mut Value) -> Vec<&mut Map<String, Value>> {
    match value {
        Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).collect(),
        Value::Object(object) => vec![object],
        _ => Vec::new(),
    }
}

/// What inference reads, by the place where it stands; the rest would only be long.
const READ: [(&str, &[&str]); 9] = [
    (
        "",
        &[
            "metadata",
            "spec",
            "status",
            "involvedObject",
            "reason",
            "message",
            "firstTimestamp",
            "lastTimestamp",
            "count",
            "source",
        ],
    ),
    ("/metadata", &["name", "uid", "deletionTimestamp", "deletionGracePeriodSeconds"]),
    ("/spec", &["containers", "initContainers", "nodeName", "terminationGracePeriodSeconds"]),
    ("/spec/containers", CONTAINER),
    ("/spec/initContainers", CONTAINER),
    ("/status", &["phase", "reason", "conditions", "containerStatuses", "initContainerStatuses"]),
    ("/status/containerStatuses", STATUS),
    ("/status/initContainerStatuses", STATUS),
    ("/involvedObject", &["uid", "fieldPath"]),
];
const CONTAINER: &[&str] = &["name", "lifecycle", "livenessProbe", "startupProbe", "restartPolicy"];
const STATUS: &[&str] = &["name", "state", "lastState", "restartCount", "started"];
