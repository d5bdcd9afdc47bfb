//! The one Pod watch: it fills the index and says which workloads are to be reconciled.

use std::sync::Arc;

use futures::{StreamExt, channel::oneshot};
use hooked_core::names;
use kube::{Client, ResourceExt};
use kube_runtime::{WatchStreamExt, watcher};

use super::index::{Departure, Stray};
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
            Ok(watcher::Event::Delete(pod)) => observe_last(&index, pod, &triggers),
            Ok(watcher::Event::InitDone) => {
                for workload in index.list_ends() {
                    trigger(&triggers, Some(workload));
                }
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
    let departure = if pod.is_ending() { Departure::Gone } else { Departure::Left };
    let (name, held) = (pod.name_any(), pod.is_held());
    let report = pod.controller().map(|controller| (pod.into_report(&controller), controller));
    match report {
        Some((Ok(report), controller)) => {
            return trigger(triggers, Some(index.observe(&namespace, &report, &controller)));
        }
        Some((Err(error), _)) => {
            tracing::warn!(%error, namespace, pod_uid = uid, "a Pod's labels were changed: it is let go");
        }
        None => {}
    }
    // It may have been ours and lost its owner or its number: then it lives on without us.
    trigger(triggers, index.observe_departed(&uid, departure));
    if held {
        index.note_stray(Stray { namespace, name, uid });
    }
}

/// The Pod is deleted, or has lost the label by which it is watched. Either way its last state is shown, which may be
/// evidence that no earlier event has shown.
fn observe_last(index: &Index, pod: SlimPod, triggers: &Triggers) {
    let (namespace, uid) = (pod.namespace().unwrap_or_default(), pod.uid().unwrap_or_default());
    // With our finalizer on it and no deletion asked for it cannot be gone.
    let lives_on = pod.is_held() && !pod.is_ending();
    let departure = if lives_on { Departure::Left } else { Departure::Gone };
    if let Some(controller) = pod.controller().filter(|_| index.has(&uid))
        && let Ok(report) = pod.into_report(&controller)
    {
        index.observe(&namespace, &report, &controller);
    }
    trigger(triggers, index.observe_departed(&uid, departure));
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

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use hooked_core::workload::template::{Owner, pod_name};
    use serde_json::{Value, json};

    use super::*;

    /// A Pod of ours with its labels changed, and with that status.
    fn pod(labels: &Value, status: &Value) -> SlimPod {
        serde_json::from_value(json!({
            "metadata": {
                "name": pod_name("web", "w-1", "rev", 1), "namespace": "shop", "uid": "u-1", "labels": labels,
                "finalizers": [names::ACCOUNTING_FINALIZER],
                "ownerReferences": [{"apiVersion": names::API_VERSION, "kind": names::KIND, "name": "web", "uid": "w-1", "controller": true}],
            },
            "spec": {"nodeName": "n", "containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {}}}}]},
            "status": status,
        }))
        .unwrap()
    }

    fn ours() -> Value {
        json!({"hooked.dev/revision": "rev", "hooked.dev/ordinal": "1"})
    }

    fn state(state: &Value) -> Value {
        json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0, "state": state}]})
    }

    /// Whether what is left of the Pod after `depart` is still to be counted, and that it is let go.
    fn check(depart: impl FnOnce(&Index, &Triggers), expect_evidence: bool) {
        let (index, (triggers, mut triggered)) = (Index::default(), mpsc::unbounded());
        let running = state(&json!({"running": {"startedAt": "2026-11-22T10:00:00Z"}}));
        observe(&index, pod(&ours(), &running), &triggers);
        depart(&index, &triggers);
        assert!(!index.has("u-1"));
        assert_eq!(index.strays().len(), 1);
        let owner = Owner { name: "web".to_owned(), uid: "w-1".to_owned() };
        assert_eq!(index.memory("shop", &owner).lock().tracker.next_due().is_some(), expect_evidence);
        let workloads = std::iter::from_fn(|| triggered.try_recv().ok());
        assert_eq!(workloads.map(|workload| workload.name).collect::<Vec<_>>(), ["web", "web"]);
    }

    #[test]
    fn a_pod_whose_labels_are_changed_is_let_go_and_what_has_ended_in_it_counts() {
        let running = state(&json!({"running": {"startedAt": "2026-11-22T10:00:00Z"}}));
        let ended = state(
            &json!({"terminated": {"startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:00:09Z"}}),
        );
        let poisoned = json!({"hooked.dev/revision": "rev", "hooked.dev/ordinal": "9223372036854775808"});
        let taken = json!({"hooked.dev/revision": "rev", "hooked.dev/ordinal": "2"});
        check(|index, triggers| observe(index, pod(&poisoned, &running), triggers), false);
        check(|index, triggers| observe(index, pod(&taken, &running), triggers), false);
        // The watch shows a lost label as a deletion, with the Pod as it was.
        check(|index, triggers| observe_last(index, pod(&ours(), &running), triggers), false);
        check(|index, triggers| observe_last(index, pod(&ours(), &ended), triggers), true);
    }
}
