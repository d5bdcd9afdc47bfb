//! A Deployment whose Pods move to a HookedWorkload and back, and what must be as before.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::space::Space;
use crate::wait::wait_for;

/// Three nginx, which serve on for a while when they are stopped.
fn deployment(version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"terminationGracePeriodSeconds": 20, "containers": [{
                    "name": "web", "image": "nginx", "imagePullPolicy": "IfNotPresent",
                    "env": [{"name": "VERSION", "value": version}],
                    "ports": [{"containerPort": 80}],
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
                    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
                }]},
            },
        },
    })
}

/// Two revisions are rolled out, one after the other.
pub async fn deploy(space: &Space) -> Result<()> {
    for version in ["1", "2"] {
        space.apply_manifest(&deployment(version)).await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
    }
    until_pods(space, 3).await
}

/// Waits until the workload has so many Pods, terminating ones among them.
pub async fn until_pods(space: &Space, wanted: usize) -> Result<()> {
    wait_for("the old Pods are gone", async || {
        let pods = space.pods("web").await?.len();
        Ok(if pods == wanted { Ok(()) } else { Err(format!("{pods}")) })
    })
    .await
}

/// Fails unless the Deployment is rolled out with `ReplicaSets` of so many Pods, and nothing is left of the workload.
pub async fn is_released(space: &Space, sets: &[i32]) -> Result<()> {
    space.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).await?;
    ensure!(replica_sets(space).await? == sets, "{:?}", replica_sets(space).await?);
    ensure!(space.workloads().get_opt("web").await?.is_none());
    let held = space.pods("web").await?.iter().any(|pod| !pod.finalizers().is_empty());
    ensure!(!held, "a finalizer is left");
    Ok(())
}

/// How many Pods each ReplicaSet has.
pub async fn replica_sets(space: &Space) -> Result<Vec<i32>> {
    let sets: Api<ReplicaSet> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let sets = sets.list(&ListParams::default()).await?.items;
    let mut counts: Vec<i32> =
        sets.into_iter().map(|set| set.status.map_or(0, |status| status.replicas)).collect();
    counts.sort_unstable();
    Ok(counts)
}

/// Pods that run on, whoever controls them.
#[derive(Debug)]
pub struct Unmoved(BTreeMap<String, String>);

impl Unmoved {
    /// The Pods of the workload `web`, each of which has not been restarted: UIDs, with the kind that controls each.
    pub async fn of(space: &Space) -> Result<Self> {
        let owner = |pod: &Pod| {
            let owner = pod.owner_references().iter().find(|owner| owner.controller == Some(true));
            owner.map(|owner| owner.kind.clone()).unwrap_or_default()
        };
        let pods = space.pods("web").await?;
        for pod in &pods {
            let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            for container in statuses {
                ensure!(container.restart_count == 0, "{} was restarted", pod.name_any());
            }
        }
        Ok(Self(pods.iter().map(|pod| (pod.uid().unwrap_or_default(), owner(pod))).collect()))
    }

    /// Fails unless these are the Pods. Returns them with who controls them now.
    pub async fn are_there(&self, space: &Space) -> Result<Self> {
        let now = Self::of(space).await?;
        ensure!(now.0.keys().eq(self.0.keys()), "other Pods: {self:?}, {now:?}");
        Ok(now)
    }

    /// Fails unless these are the Pods, and that kind controls each.
    pub async fn check(&self, space: &Space, kind: &str) -> Result<()> {
        let now = self.are_there(space).await?;
        ensure!(now.0.values().all(|owner| owner == kind), "{now:?}");
        Ok(())
    }
}
