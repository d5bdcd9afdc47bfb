//! Somebody who takes our finalizer off Pods that are over, and does nothing else: as cheap as it can be done.

use anyhow::Result;
use futures::StreamExt;
use http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PartialObjectMeta};
use kube::{Client, ResourceExt};
use kube_runtime::{WatchStreamExt, watcher};
use serde_json::json;
use tokio::task::AbortHandle;

/// What the Pods are held by.
const FINALIZER: &str = "hooked.dev/accounting";
/// The most requests under way.
const AT_ONCE: usize = 32;

/// Works until it is dropped.
pub(crate) struct Remover(AbortHandle);

impl Remover {
    /// Lets Pods of a namespace go that are deleted and run no more.
    pub(crate) fn start(client: &Client, namespace: &'static str) -> Self {
        Self(tokio::spawn(run(client.clone(), namespace)).abort_handle())
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(client: Client, namespace: &str) {
    let pods: Api<PartialObjectMeta<Pod>> = Api::namespaced(client.clone(), namespace);
    let changes = watcher(pods, watcher::Config::default()).default_backoff().applied_objects();
    let held = changes.filter_map(async |change| change.ok().filter(is_held));
    held.for_each_concurrent(AT_ONCE, async |pod| {
        // A Pod that is gone needs nothing, and any other one is shown again.
        let _ = let_go(&client, &pod).await;
    })
    .await;
}

fn is_held(pod: &PartialObjectMeta<Pod>) -> bool {
    // Without a period of grace nothing of it runs any more.
    pod.metadata.deletion_grace_period_seconds == Some(0)
        && pod.finalizers().iter().any(|one| one == FINALIZER)
}

async fn let_go(client: &Client, pod: &PartialObjectMeta<Pod>) -> Result<()> {
    let path = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    let at = pod.finalizers().iter().position(|one| one == FINALIZER).unwrap_or_default();
    let at = format!("/metadata/finalizers/{at}");
    let removal = json!([{"op": "test", "path": at, "value": FINALIZER}, {"op": "remove", "path": at}]);
    let request = Request::patch(path)
        .header("Content-Type", "application/json-patch+json")
        .header("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    client.request_text(request.body(removal.to_string().into_bytes())?).await?;
    Ok(())
}
