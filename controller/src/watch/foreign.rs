//! Watches of Pods without our label, for those that nobody controls and a workload may take over: metadata
//! alone, only Pods that were made from a template, and only in namespaces that hold a workload. Nothing of
//! them is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{StreamExt, TryStreamExt};
use hooked_core::names;
use hooked_core::watch::Index;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube_runtime::{WatchStreamExt, watcher};
use tokio::task::{AbortHandle, JoinSet};

use super::scope::watch_config;
use super::{Triggers, trigger};

/// Watches such Pods in the namespaces of the workloads that the index knows, for ever. `changed` names the
/// namespaces in which workloads come and go.
pub(crate) async fn watch_foreign(
    client: Client,
    index: Arc<Index>,
    triggers: Triggers,
    mut changed: mpsc::UnboundedReceiver<String>,
) {
    // Dropped with this future, and every watch with it.
    let mut tasks = JoinSet::new();
    let mut watched: BTreeMap<String, AbortHandle> = BTreeMap::new();
    while let Some(namespace) = changed.next().await {
        if index.holds(&namespace) {
            watched.entry(namespace).or_insert_with_key(|namespace| {
                let pods = Api::namespaced(client.clone(), namespace);
                tasks.spawn(watch_namespace(namespace.clone(), pods, Arc::clone(&index), triggers.clone()))
            });
        } else if let Some(task) = watched.remove(&namespace) {
            task.abort();
        }
        // What has ended takes up no room.
        while tasks.try_join_next().is_some() {}
    }
}

async fn watch_namespace(
    namespace: String,
    pods: Api<PartialObjectMeta<Pod>>,
    index: Arc<Index>,
    triggers: Triggers,
) {
    let config = watch_config().labels(&format!("!{},{}", names::REVISION_LABEL, names::TEMPLATE_HASH_LABEL));
    let mut events = watcher(pods, config).default_backoff().boxed();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod))) => {
                trigger(&triggers, index.show_foreign(&pod.metadata));
            }
            Ok(Some(watcher::Event::Delete(pod))) => index.show_no_foreign(&pod.metadata),
            // Before a Pod is taken over the API server is asked for it: what a list does not show is found out then.
            Ok(Some(watcher::Event::Init | watcher::Event::InitDone)) => {}
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, namespace, "the watch of Pods without our label is interrupted and will be resumed");
            }
        }
    }
}
