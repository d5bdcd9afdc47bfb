//! Watches of the Pods of a namespace in which workloads watch those of others, one for all of them. Which workloads
//! those are is found out by the chain of controllers that a Pod begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use hooked_core::pass::{Cluster, Kinds, find_controller};
use hooked_core::watch::{Index, ShownWatched, SlimPod, WorkloadRef};
use jiff::Timestamp;
use kube::Client;
use kube::api::Api;
use kube_runtime::{WatchStreamExt, watcher};
use tokio::task::{AbortHandle, JoinSet};

use super::scope::watch_config;
use super::watched::Watched;
use super::{Triggers, trigger};

/// How long it is waited for more workloads before a namespace is listed for them: who makes one makes others.
const GATHERING: Duration = Duration::from_millis(500);
/// After how long a namespace is listed anew where the API server could not say who controls what.
const UNCERTAIN: Duration = Duration::from_secs(30);

/// A watch of a namespace, and how many workloads had come when it began.
struct OneWatch {
    task: AbortHandle,
    came: u64,
}

/// Watches Pods of others where workloads of the index ask for it, for ever. `changed` names the namespaces in which
/// workloads come and go.
pub(crate) async fn watch_others<C: Cluster + Clone + Send + Sync + 'static>(
    client: Client,
    cluster: C,
    index: Arc<Index>,
    triggers: Triggers,
    mut changed: mpsc::UnboundedReceiver<String>,
) {
    // Dropped with this future, and every watch with it.
    let mut tasks = JoinSet::new();
    let mut watched: BTreeMap<String, OneWatch> = BTreeMap::new();
    while let Some(namespace) = changed.next().await {
        let wanted = index.watchers(&namespace);
        let is_as_wanted = watched.get(&namespace).map(|known| known.came) == wanted;
        if !is_as_wanted {
            if let Some(known) = watched.remove(&namespace) {
                known.task.abort();
            }
            if let Some(came) = wanted {
                let of_namespace = OfNamespace {
                    namespace: namespace.clone(),
                    cluster: cluster.clone(),
                    index: Arc::clone(&index),
                    triggers: triggers.clone(),
                    kinds: Kinds::default(),
                };
                let pods = Api::namespaced(client.clone(), &namespace);
                let task = tasks.spawn(of_namespace.watch(pods));
                watched.insert(namespace, OneWatch { task, came });
            }
        }
        // What has ended takes up no room.
        while tasks.try_join_next().is_some() {}
    }
}

struct OfNamespace<C> {
    namespace: String,
    cluster: C,
    index: Arc<Index>,
    triggers: Triggers,
    kinds: Kinds,
}

impl<C: Cluster> OfNamespace<C> {
    /// Watches until it is dropped.
    async fn watch(mut self, pods: Api<Watched<SlimPod>>) {
        tokio::time::sleep(GATHERING).await;
        loop {
            self.watch_until_uncertain(&pods).await;
            tokio::time::sleep(UNCERTAIN).await;
        }
    }

    /// Watches until the API server could not be asked who controls a Pod: only another list shows the Pod again.
    async fn watch_until_uncertain(&mut self, pods: &Api<Watched<SlimPod>>) {
        let mut events = watcher(pods.clone(), watch_config()).default_backoff().boxed();
        while let Some(event) = events.next().await {
            let workloads = match event {
                Ok(watcher::Event::Init) => {
                    self.index.watched_list_begins(&self.namespace);
                    Vec::new()
                }
                Ok(watcher::Event::InitApply(Watched(pod)) | watcher::Event::Apply(Watched(pod))) => {
                    let Some(workloads) = self.show(&pod).await else { return };
                    workloads
                }
                Ok(watcher::Event::Delete(Watched(pod))) => {
                    self.index.show_watched_last(&pod, Timestamp::now())
                }
                Ok(watcher::Event::InitDone) => {
                    self.index.watched_list_ends(&self.namespace, Timestamp::now())
                }
                Err(error) => {
                    let namespace = &self.namespace;
                    tracing::warn!(%error, namespace, "the watch of Pods of others is interrupted and will be resumed");
                    Vec::new()
                }
            };
            trigger(&self.triggers, workloads);
        }
    }

    /// Takes in a Pod, and asks who controls what controls the Pod as long as that is not known. None if that could not
    /// be found out.
    async fn show(&mut self, pod: &SlimPod) -> Option<Vec<WorkloadRef>> {
        loop {
            let owner = match self.index.show_watched(pod, Timestamp::now()) {
                ShownWatched::Taken(workloads) => return Some(workloads),
                ShownWatched::Ask(owner) => owner,
            };
            match find_controller(&self.cluster, &mut self.kinds, &self.namespace, &owner).await {
                Ok(controlled) => self.index.show_controller(&self.namespace, &owner.uid, controlled),
                Err(error) => {
                    let (kind, name) = (&owner.kind, &owner.name);
                    tracing::warn!(%error, kind, name, "who controls this could not be found out: Pods are listed anew");
                    return None;
                }
            }
        }
    }
}
