//! A record of a workload's Pods, change by change, as a watch tells of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::Api;
use kube_runtime::watcher;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::space::Space;

/// What is seen of a Pod at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Its name.
    pub name: String,
    /// Its label `hooked.dev/revision`.
    pub revision: String,
    /// The number in its annotation `hooked.dev/ordinal`.
    pub ordinal: u64,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether it has the condition Ready.
    pub ready: bool,
    /// Whether it is in a phase after which nothing comes.
    pub ended: bool,
}

/// The Pods of a moment, by UID.
type Moment = BTreeMap<String, Sight>;

/// A record that goes on until it is dropped.
pub struct History {
    moments: Arc<Mutex<Vec<Moment>>>,
    task: JoinHandle<()>,
}

impl History {
    /// Begins to record the Pods of a workload. When this returns, those that are there are known.
    pub async fn record(space: &Space, workload: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let config = watcher::Config::default().labels(&format!("app={workload}"));
        let moments: Arc<Mutex<Vec<Moment>>> = Arc::default();
        let record = Arc::clone(&moments);
        let (listed, list) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut listed = Some(listed);
            let mut listing = Moment::new();
            let mut events = watcher(pods, config).boxed();
            while let Some(event) = events.next().await {
                match event {
                    Ok(watcher::Event::Apply(pod)) => {
                        note(&record, |moment| _ = moment.insert(pod.uid().unwrap_or_default(), see(&pod)));
                    }
                    Ok(watcher::Event::Delete(pod)) => {
                        note(&record, |moment| _ = moment.remove(&pod.uid().unwrap_or_default()));
                    }
                    Ok(watcher::Event::Init) => listing.clear(),
                    Ok(watcher::Event::InitApply(pod)) => {
                        listing.insert(pod.uid().unwrap_or_default(), see(&pod));
                    }
                    // A watch that was cut off may begin anew, and what the list has no more is gone.
                    Ok(watcher::Event::InitDone) => {
                        note(&record, |moment| *moment = std::mem::take(&mut listing));
                        if let Some(listed) = listed.take() {
                            listed.send(()).ok();
                        }
                    }
                    Err(_) => {}
                }
            }
        });
        list.await.ok();
        Self { moments, task }
    }

    /// Every moment so far, oldest first.
    pub fn moments(&self) -> Vec<Vec<Sight>> {
        let moments = lock(&self.moments);
        moments.iter().map(|moment| moment.values().cloned().collect()).collect()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Adds a moment that differs from the last by a change.
fn note(record: &Mutex<Vec<Moment>>, change: impl FnOnce(&mut Moment)) {
    let mut moments = lock(record);
    let mut next = moments.last().cloned().unwrap_or_default();
    change(&mut next);
    moments.push(next);
}

fn lock(record: &Mutex<Vec<Moment>>) -> MutexGuard<'_, Vec<Moment>> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ordinal(pod: &Pod) -> u64 {
    let written = pod.annotations().get("hooked.dev/ordinal").and_then(|written| written.split_once('.'));
    written.and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}

fn see(pod: &Pod) -> Sight {
    let label = |name: &str| pod.labels().get(name).cloned().unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    Sight {
        name: pod.name_any(),
        revision: label("hooked.dev/revision"),
        ordinal: ordinal(pod),
        terminating: pod.metadata.deletion_timestamp.is_some(),
        ready: conditions.iter().any(|known| known.type_ == "Ready" && known.status == "True"),
        ended: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
    }
}
