//! The watch of workloads that watch Pods of others, for the injector: whether this operator leads or not.

use std::sync::Arc;

use futures::StreamExt;
use hooked_core::injector::{Injector, SlimWatcher};
use kube::Client;
use kube_runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;

use super::scope::{Scope, watch_config};
use super::watched::Watched;

/// Watches the workloads of a scope for ever, and says when all were listed.
pub(crate) async fn watch_watchers(
    client: Client,
    scope: Scope,
    injector: Arc<Injector>,
    listed: watch::Sender<bool>,
) {
    let workloads = scope.api::<Watched<SlimWatcher>>(&client);
    let mut events = watcher(workloads, watch_config()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => injector.list_begins(scope.0.as_deref()),
            Ok(watcher::Event::InitApply(Watched(workload)) | watcher::Event::Apply(Watched(workload))) => {
                injector.show(workload);
            }
            Ok(watcher::Event::Delete(Watched(workload))) => injector.gone(&workload),
            Ok(watcher::Event::InitDone) => {
                injector.list_ends(scope.0.as_deref());
                listed.send_replace(true);
            }
            Err(error) => {
                tracing::warn!(%error, "the injector's watch of workloads is interrupted and will be resumed");
            }
        }
    }
}
