//! A kubelet that runs nothing: it sees the Pods of its node and says of them what a real one would say.

use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt};
use kube_runtime::{WatchStreamExt, watcher};
use serde_json::json;

use super::{PAUSE, show};

/// How long containers take to start, and to end when they are asked to.
const MOMENT: Duration = Duration::from_millis(300);

/// Tends the Pods of a node, for as long as this is polled.
pub(super) async fn run(client: &Client, node: &str) {
    let config = watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let changes = watcher(Api::<Pod>::all(client.clone()), config).default_backoff().applied_objects();
    // What is old is refused by its version, so the Pods need not be tended in the order of their changes.
    changes
        .for_each_concurrent(None, async |change| {
            if let Ok(pod) = change {
                tend(client, &pod).await;
            }
        })
        .await;
}

/// Does what this state of a Pod asks for. The change that comes of it is the next one that the watch shows.
async fn tend(client: &Client, pod: &Pod) {
    let Some(next) = show::next(pod, Timestamp::now()) else { return };
    tokio::time::sleep(MOMENT).await;
    while let Err(error) = carry_out(client, pod, &next).await {
        match error {
            // The Pod is another one by now, or gone.
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => return,
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn carry_out(client: &Client, pod: &Pod, next: &show::Next) -> kube::Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let (name, version, uid) = (pod.name_any(), pod.resource_version(), pod.uid());
    match next {
        show::Next::Status(status) => {
            let patch = json!({"metadata": {"uid": uid, "resourceVersion": version}, "status": status});
            pods.patch_status(&name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        }
        show::Next::Remove => {
            let only = Preconditions { uid, resource_version: None };
            pods.delete(&name, &DeleteParams::default().grace_period(0).preconditions(only)).await?;
        }
    }
    Ok(())
}
