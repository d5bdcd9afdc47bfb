//! The one Pod watch: it fills the index and says which workloads are to be reconciled.

use std::sync::Arc;

use futures::{StreamExt, channel::oneshot};
use hooked_core::names;
use kube::{Client, ResourceExt};
use kube_runtime::{WatchStreamExt, watcher};

use super::index::Stray;
use super::{Index, Scope, SlimPod, Triggers, watch_config};

/// Watches Pods for ever. `listed` is told when the first list is complete: before it no decision is safe.
pub(crate) async fn watch_pods(
    client: Client,
    scope: Scope,
    index: Arc<Index>,
    triggers: Triggers,
    listed: oneshot::Sender<()>,
) {
    let config = watch_config().labels(names::REVISION_LABEL);
    let mut listed = Some(listed);
    let mut events = watcher(scope.api::<SlimPod>(&client), config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => index.list_begins(),
            Ok(watcher::Event::InitApply(pod) | watcher::Event::Apply(pod)) => {
                observe(&index, pod, &triggers);
            }
            Ok(watcher::Event::Delete(pod)) => {
                trigger(&triggers, index.observe_gone(&pod.uid().unwrap_or_default()));
            }
            Ok(watcher::Event::InitDone) => {
                index.list_ends();
                if let Some(listed) = listed.take() {
                    listed.send(()).ok();
                }
            }
            Err(error) => tracing::warn!(%error, "the Pod watch is interrupted and will be resumed"),
        }
    }
}

fn observe(index: &Index, pod: SlimPod, triggers: &Triggers) {
    let (namespace, uid) = (pod.namespace().unwrap_or_default(), pod.uid().unwrap_or_default());
    let Some(controller) = pod.controller() else {
        // It may have been ours and lost its owner: then it lives on without us.
        if pod.finalizers().iter().any(|finalizer| finalizer == names::ACCOUNTING_FINALIZER) {
            index.note_stray(Stray { namespace, name: pod.name_any(), uid: uid.clone() });
        }
        return trigger(triggers, index.observe_gone(&uid));
    };
    match pod.into_report(&controller) {
        Ok(report) => trigger(triggers, Some(index.observe(&namespace, &report, &controller))),
        Err(error) => {
            tracing::warn!(%error, namespace, pod_uid = uid, "a Pod's labels were changed: it is ignored");
        }
    }
}

pub(super) fn trigger(
    triggers: &Triggers,
    workload: Option<kube_runtime::reflector::ObjectRef<super::Guarded>>,
) {
    if let Some(workload) = workload {
        // The receiver is gone only when the operator stops.
        triggers.unbounded_send(workload).ok();
    }
}
