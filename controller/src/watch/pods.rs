//! The one Pod watch: it fills the index and says which workloads are to be reconciled.

use std::sync::Arc;

use futures::{StreamExt, channel::oneshot};
use hooked_core::names;
use hooked_core::watch::{Index, SlimPod};
use jiff::Timestamp;
use kube::Client;
use kube_runtime::{WatchStreamExt, watcher};

use super::scope::{Scope, watch_config};
use super::watched::Watched;
use super::{Triggers, trigger};
use crate::runner::RunnerSource;

/// Watches Pods for ever. `listed` is told when the first list is complete: before it no decision is safe. What Pods
/// prove of the hook-runner, `runner` is told.
pub(crate) async fn watch_pods(
    client: Client,
    scope: Scope,
    index: Arc<Index>,
    runner: Arc<RunnerSource>,
    triggers: Triggers,
    listed: oneshot::Sender<()>,
) {
    let config = watch_config().labels(names::REVISION_LABEL);
    let mut listed = Some(listed);
    let mut events = watcher(scope.api::<Watched<SlimPod>>(&client), config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => index.list_begins(),
            Ok(watcher::Event::InitApply(Watched(pod)) | watcher::Event::Apply(Watched(pod))) => {
                let uid = pod.metadata.uid.clone();
                let shown = index.show_pod(pod, Timestamp::now());
                if let Some(error) = shown.unnumbered {
                    tracing::warn!(%error, pod_uid = uid, "a Pod of ours has no number: it gets one");
                }
                if let Some(proven) = shown.proven {
                    runner.prove(proven);
                }
                trigger(&triggers, shown.workloads);
            }
            Ok(watcher::Event::Delete(Watched(pod))) => {
                trigger(&triggers, index.show_last(pod, Timestamp::now()));
            }
            Ok(watcher::Event::InitDone) => {
                trigger(&triggers, index.list_ends(Timestamp::now()));
                if let Some(listed) = listed.take() {
                    listed.send(()).ok();
                }
            }
            Err(error) => tracing::warn!(%error, "the Pod watch is interrupted and will be resumed"),
        }
    }
}
