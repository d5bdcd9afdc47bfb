//! Workloads of others whose Pods come through the injector.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::space::Space;
use crate::wait::wait_for;
use crate::workload::{Container, Workload, sh};

/// Whether the hook-runner is in the Pod.
pub fn has_runner(pod: &Pod) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().any(|volume| volume.name == "hooked-runner")
}

/// Whether the Pod waits until its hooks are counted.
pub fn is_held(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|finalizer| finalizer == "hooked.dev/accounting")
}

impl Space {
    /// Allows the injector in the namespace.
    pub async fn allow_injector(&self) -> Result<()> {
        self.kubectl(&["label", "namespace", &self.name, "hooked.dev/inject=enabled"]).await.map(drop)
    }

    /// Asks for these hooks in Pods of the workload `web` of that kind of `apps/v1`, and waits until they would come
    /// through the injector.
    pub async fn inject(&self, kind: &str, hooks: &Value) -> Result<()> {
        self.allow_injector().await?;
        self.apply(&Workload::watching("web", "apps/v1", kind, "web").with("hooks", hooks.clone())).await?;
        self.until_injected(kind, hooks).await
    }

    /// Waits until Pods would come through the injector: it, and the API server, know of the namespace and of what is
    /// asked for by watches.
    pub async fn until_injected(&self, kind: &str, hooks: &Value) -> Result<()> {
        let made = Workload::new("web", [Container::polite("web").pre_stop(sh("true"))]);
        let mut pod = made.of_kind("apps/v1", kind, &json!({}))["spec"]["template"].clone();
        let owner =
            json!({"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": "none", "controller": true});
        pod["metadata"]["generateName"] = json!("web-");
        pod["metadata"]["ownerReferences"] = json!([owner]);
        let pod: Pod = serde_json::from_value(pod)?;
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), &self.name);
        let (measures, holds) = (hooks["measurement"] == "Runner", hooks["evidence"] == "Durable");
        wait_for("Pods come through the injector", async || {
            let shown = pods.create(&PostParams { dry_run: true, ..PostParams::default() }, &pod).await?;
            let is_so = has_runner(&shown) == measures && is_held(&shown) == holds;
            Ok(if is_so { Ok(()) } else { Err(format!("{:?}", shown.metadata)) })
        })
        .await
    }

    /// Waits until all Pods of the workload `web` of that kind are as its template says.
    pub async fn until_rolled_out(&self, kind: &str) -> Result<()> {
        self.kubectl(&["rollout", "status", &format!("{kind}/web"), "--timeout=300s"]).await.map(drop)
    }
}
