//! A controller's first Pods, of which nothing is told: what is done once in its life is done then.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::finalizers::Remover;
use crate::install;
use crate::store::Store;

/// Where they are made.
pub(crate) const NAMESPACE: &str = "warm-up";
const PODS: u32 = 50;
/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the runner's init container is called.
const INSTALLER: &str = "hooked-install";

/// Has a controller make some Pods and delete them. Returns one of them.
pub(crate) async fn warm_up(
    client: &Client,
    store: &Store,
    contender: Contender,
    template: &Value,
    has_image_volumes: bool,
) -> Result<Value> {
    let _remover = (contender == Contender::SamePods).then(|| Remover::start(client, NAMESPACE));
    let space = Space {
        objects: Api::namespaced_with(client.clone(), NAMESPACE, &contender.resource()),
        pods: Api::namespaced(client.clone(), NAMESPACE),
        store,
        contender,
        template,
    };
    if contender == Contender::Hooked && has_image_volumes {
        space.prove_image_volumes().await?;
    }
    let name = format!("warm-{contender}");
    space.make(&name, PODS).await?;
    let pod = serde_json::to_value(space.first().await?)?;
    if contender == Contender::Hooked {
        let volumes = &pod["spec"]["volumes"];
        ensure!(volumes.to_string().contains("hooked-runner"), "Pods have no runner: {volumes}");
        let is_mounted = volumes.to_string().contains("\"reference\"");
        ensure!(is_mounted == has_image_volumes, "the runner comes in another way: {volumes}");
    }
    space.scale_to_zero(&name).await?;
    Ok(pod)
}

struct Space<'a> {
    objects: Api<DynamicObject>,
    pods: Api<Pod>,
    store: &'a Store,
    contender: Contender,
    template: &'a Value,
}

impl Space<'_> {
    async fn make(&self, name: &str, pods: u32) -> Result<()> {
        let manifest = self.contender.manifest(name, pods, self.template);
        let made = self.objects.create(&PostParams::default(), &serde_json::from_value(manifest)?).await;
        made.with_context(|| format!("{name} is refused"))?;
        self.until(pods.into()).await
    }

    async fn first(&self) -> Result<Pod> {
        let pods = self.pods.list(&ListParams::default().limit(1)).await?;
        pods.items.into_iter().next().context("there is no Pod")
    }

    async fn scale_to_zero(&self, name: &str) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"replicas": 0}}));
        self.objects.patch(name, &PatchParams::default(), &patch).await?;
        self.until(0).await
    }

    async fn until(&self, count: u64) -> Result<()> {
        let began = Instant::now();
        while self.store.pods(NAMESPACE).await? != count {
            ensure!(began.elapsed() < PATIENCE, "the controller does not bring the Pods to {count}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Shows the operator that the runner runs from an image volume, as the first Pod of a cluster does, and gives that
    /// Pod back.
    async fn prove_image_volumes(&self) -> Result<()> {
        self.make("proof", 1).await?;
        let ended = json!({
            "exitCode": 0, "startedAt": null, "finishedAt": null,
            "message": format!("hooked.dev/check {} 0.1.0\n", install::architecture()),
        });
        let installer = json!({
            "name": INSTALLER, "image": "", "imageID": "", "ready": true, "restartCount": 0,
            "state": {"terminated": ended},
        });
        let patch = Patch::Merge(json!({"status": {"initContainerStatuses": [installer]}}));
        let name = self.first().await?.name_any();
        self.pods.patch_status(&name, &PatchParams::default(), &patch).await?;
        self.scale_to_zero("proof").await
    }
}
