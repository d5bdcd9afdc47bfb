//! Watches of the Pods of a namespace in which workloads watch those of others, one for all of them. Which workloads
//! those are is found out by the chain of controllers that a Pod begins.

use std::collections::BTreeMap;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use hooked_core::pass::{Cluster, Controlled, Kinds, find_controller};
use hooked_core::watch::{Index, ShownWatched, SlimPod, WorkloadRef};
use jiff::Timestamp;
use kube::Client;
use kube::api::Api;
use kube_runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::scope::watch_config;
use super::watched::Watched;
use super::{Triggers, trigger};

/// How long it is waited for more workloads before a namespace is listed for them: who makes one makes others.
const GATHERING: Duration = Duration::from_millis(500);
/// After how long it is asked again who controls what, where the API server could not say.
const UNCERTAIN: Duration = Duration::from_secs(30);
/// After how long a namespace is listed anew in which a chain ends with what nobody controls or nobody may read.
const FURTHER: Duration = Duration::from_secs(300);

type Event = watcher::Result<watcher::Event<Watched<SlimPod>>>;

/// A watch of a namespace.
struct OneWatch {
    task: AbortHandle,
    /// Tells the watch which workload was the last that came.
    came: watch::Sender<u64>,
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
        match index.watchers(&namespace) {
            None => {
                if let Some(known) = watched.remove(&namespace) {
                    known.task.abort();
                }
            }
            Some(last) => {
                let known = watched.entry(namespace).or_insert_with_key(|namespace| {
                    let of_namespace = OfNamespace {
                        namespace: namespace.clone(),
                        cluster: cluster.clone(),
                        index: Arc::clone(&index),
                        triggers: triggers.clone(),
                        kinds: Kinds::default(),
                        uncertain: BTreeMap::new(),
                        list_at: None,
                        ask_at: None,
                    };
                    let (came, comes) = watch::channel(last);
                    let pods = Api::namespaced(client.clone(), namespace);
                    OneWatch { task: tasks.spawn(of_namespace.watch(pods, comes)), came }
                });
                known.came.send_if_modified(|known| std::mem::replace(known, last) != last);
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
    /// Pods of which the API server could not say whose they are, by UID.
    uncertain: BTreeMap<String, SlimPod>,
    /// When the Pods are to be listed anew.
    list_at: Option<Instant>,
    /// When it is to be asked again whose Pods are of which that is uncertain.
    ask_at: Option<Instant>,
}

/// Waits until then; for ever if there is no such time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => future::pending().await,
    }
}

impl<C: Cluster> OfNamespace<C> {
    /// Watches until it is dropped. While workloads are gathered that come, the watch for those before goes on.
    async fn watch(mut self, pods: Api<Watched<SlimPod>>, mut comes: watch::Receiver<u64>) {
        let mut events: BoxStream<'_, Event> = stream::pending().boxed();
        self.list_within(GATHERING);
        loop {
            tokio::select! {
                event = events.next() => {
                    if let Some(event) = event {
                        let workloads = self.take(event).await;
                        trigger(&self.triggers, workloads);
                    }
                }
                came = comes.changed() => match came {
                    Ok(()) => self.list_within(GATHERING),
                    // Nobody asks for Pods any more.
                    Err(_) => return,
                },
                () = until(self.list_at).fuse() => {
                    self.list_at = None;
                    events = watcher(pods.clone(), watch_config()).default_backoff().boxed();
                }
                () = until(self.ask_at).fuse() => {
                    self.ask_at = None;
                    for pod in std::mem::take(&mut self.uncertain).into_values() {
                        let workloads = self.show(pod).await;
                        trigger(&self.triggers, workloads);
                    }
                }
            }
        }
    }

    fn list_within(&mut self, rest: Duration) {
        let at = Instant::now() + rest;
        self.list_at = Some(self.list_at.map_or(at, |known| known.min(at)));
    }

    async fn take(&mut self, event: Event) -> Vec<WorkloadRef> {
        match event {
            Ok(watcher::Event::Init) => {
                self.uncertain.clear();
                self.index.watched_list_begins(&self.namespace);
                Vec::new()
            }
            Ok(watcher::Event::InitApply(Watched(pod)) | watcher::Event::Apply(Watched(pod))) => {
                self.show(pod).await
            }
            Ok(watcher::Event::Delete(Watched(pod))) => {
                self.uncertain.remove(pod.metadata.uid.as_deref().unwrap_or_default());
                self.index.show_watched_last(&pod, Timestamp::now())
            }
            Ok(watcher::Event::InitDone) => self.index.watched_list_ends(&self.namespace, Timestamp::now()),
            Err(error) => {
                let namespace = &self.namespace;
                tracing::warn!(%error, namespace, "the watch of Pods of others is interrupted and will be resumed");
                Vec::new()
            }
        }
    }

    /// Takes in a Pod, and asks who controls what controls the Pod as long as that is not known. Where that cannot be
    /// found out, the Pod is one of those that have given it a number, and it is asked again.
    async fn show(&mut self, pod: SlimPod) -> Vec<WorkloadRef> {
        loop {
            let owner = match self.index.show_watched(&pod, Timestamp::now()) {
                ShownWatched::Taken(workloads) => {
                    self.uncertain.remove(pod.metadata.uid.as_deref().unwrap_or_default());
                    return workloads;
                }
                ShownWatched::Ask(owner) => owner,
            };
            match find_controller(&self.cluster, &mut self.kinds, &self.namespace, &owner).await {
                Ok(controlled) => {
                    if !matches!(controlled, Controlled::By(_)) {
                        self.list_within(FURTHER);
                    }
                    self.index.show_controller(&self.namespace, &owner, controlled);
                }
                Err(error) => {
                    let (kind, name, namespace) = (&owner.kind, &owner.name, &self.namespace);
                    tracing::warn!(%error, namespace, kind, name, "who controls this could not be found out yet");
                    self.ask_at.get_or_insert_with(|| Instant::now() + UNCERTAIN);
                    let workloads = self.index.show_watched_uncertain(&pod, Timestamp::now());
                    self.uncertain.insert(pod.metadata.uid.clone().unwrap_or_default(), pod);
                    return workloads;
                }
            }
        }
    }
}
