//! Watches of the kubelet's Events: hints that Pod status does not hold, such as that a hook failed.

use std::sync::Arc;

use futures::{StreamExt, channel::oneshot};
use hooked_core::watch::{Index, SlimEvent};
use jiff::Timestamp;
use kube::Client;
use kube_runtime::{WatchStreamExt, watcher};

use super::scope::{Scope, watch_config};
use super::watched::Watched;
use super::{Triggers, trigger};

/// Watches the Events of one reason for ever: the API server selects them, so that Events of no interest cost
/// nothing.
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
    let mut events = watcher(scope.api::<Watched<SlimEvent>>(&client), config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::InitApply(Watched(event)) | watcher::Event::Apply(Watched(event))) => {
                trigger(&triggers, index.show_event(&event, Timestamp::now()));
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
