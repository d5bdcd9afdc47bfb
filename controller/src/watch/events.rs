//! Watches of the kubelet's Events: hints that Pod status does not hold, such as that a hook failed.

use std::sync::Arc;

use futures::{StreamExt, channel::oneshot};
use hooked_core::lifecycle::kubelet::{self, KubeletEvent};
use kube::{Client, Resource};
use kube_runtime::{WatchStreamExt, watcher};

use super::pods::trigger;
use super::slim::SlimEvent;
use super::{Index, Scope, Triggers, watch_config};

/// Watches the Events of one reason for ever: the API server selects them, so that Events of no interest cost nothing.
pub(crate) async fn watch_events(
    client: Client,
    scope: Scope,
    reason: &'static str,
    index: Arc<Index>,
    triggers: Triggers,
    listed: oneshot::Sender<()>,
) {
    let config = watch_config().fields(&format!("involvedObject.kind=Pod,reason={reason}"));
    let mut listed = Some(listed);
    let mut events = watcher(scope.api::<SlimEvent>(&client), config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::InitApply(event) | watcher::Event::Apply(event)) => {
                observe(&index, &event, &triggers);
            }
            Ok(watcher::Event::InitDone) => {
                if let Some(listed) = listed.take() {
                    listed.send(()).ok();
                }
            }
            // An Event that expires takes nothing back.
            Ok(watcher::Event::Delete(_) | watcher::Event::Init) => {}
            Err(error) => tracing::warn!(%error, reason, "an Event watch is interrupted and will be resumed"),
        }
    }
}

fn observe(index: &Index, event: &SlimEvent, triggers: &Triggers) {
    if !event.is_from_kubelet() {
        return;
    }
    let namespace = event.meta().namespace.as_deref().unwrap_or_default();
    let SlimEvent { pod_uid, field_path, reason, message, first, last, .. } = event;
    let read = kubelet::read_event(&KubeletEvent { reason, field_path, message, first: *first, last: *last });
    if let Some(evidence) = read {
        trigger(triggers, index.observe_event(namespace, pod_uid, evidence));
    }
}
