//! The operator itself: what it says, and how it is stopped, killed and started.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::json;

use crate::cluster::Cluster;
use crate::pool::Exclusive;
use crate::process::{Frozen, kill, terminate};
use crate::wait::wait_for;

const NAMESPACE: &str = "hooked-system";
const DEPLOYMENT: &str = "hooked-controller";
const PODS: &str = "app.kubernetes.io/name=hooked,app.kubernetes.io/component=controller";
/// How many of its Pods config/manager asks for: one leads, and the other waits for the Lease.
const REPLICAS: i32 = 2;

/// What it has logged since it was started.
pub(crate) async fn log(cluster: &Cluster) -> Result<String> {
    cluster.kubectl(&["--namespace", NAMESPACE, "logs", "--selector", PODS, "--tail=-1"]).await
}

/// Where the one that leads serves its metrics: it alone has those of workloads.
pub(crate) async fn metrics_path(cluster: &Cluster) -> Result<String> {
    let leader = leader(cluster).await?;
    Ok(format!("/api/v1/namespaces/{NAMESPACE}/pods/{leader}:8080/proxy/metrics"))
}

/// Waits until one of its Pods leads that is to stay, and returns its name. One that was killed holds the Lease some
/// seconds more.
async fn leader(cluster: &Cluster) -> Result<String> {
    wait_for("an operator leads", async || {
        let (holder, pods) = (holder(cluster).await?, pods(cluster).await?);
        let stay = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let stay: Vec<String> = stay.map(ResourceExt::name_any).collect();
        Ok(if stay.contains(&holder) { Ok(holder) } else { Err(format!("{holder:?} of {stay:?}")) })
    })
    .await
}

/// The name of the Pod that holds the Lease; empty if it was given back.
async fn holder(cluster: &Cluster) -> Result<String> {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let holder = leases.get(DEPLOYMENT).await?.spec.and_then(|spec| spec.holder_identity);
    let holder = holder.unwrap_or_default();
    Ok(holder.rsplit_once('_').map(|(pod, _)| pod.to_owned()).unwrap_or_default())
}

async fn pods(cluster: &Cluster) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    Ok(pods.list(&ListParams::default().labels(PODS)).await?.items)
}

/// The operator of a cluster that one scenario has to itself.
pub struct Operator {
    cluster: Cluster,
}

impl Operator {
    pub(crate) fn of(exclusive: &Exclusive) -> Self {
        Self { cluster: exclusive.cluster.clone() }
    }

    /// Has it run as it was installed, whatever a scenario has made of it, and waits until it is ready.
    pub async fn restore(&self) -> Result<()> {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/operator");
        self.cluster.kubectl(&["apply", "-k", config]).await?;
        self.until_replaced().await
    }

    /// Kills the one that leads without a word of warning, and waits until there are as many as before. The other takes
    /// over when the Lease has ended.
    pub async fn kill(&self) -> Result<()> {
        // One that has just lost its Lease ends by itself.
        let killed = wait_for("the leader is killed", async || {
            let leader = self.leader().await?;
            Ok(kill(&leader).map(|()| leader).map_err(|error| format!("{error:#}")))
        })
        .await?;
        // The Deployment makes another at once; the kubelet would wait ever longer before it starts this one again.
        let arguments = ["--namespace", NAMESPACE, "delete", "pod", &killed, "--force", "--grace-period=0"];
        self.cluster.kubectl(&arguments).await?;
        wait_for("the operator is there again", async || {
            let now = self.names().await?;
            let another = now.len() == REPLICAS.unsigned_abs() as usize && !now.contains(&killed);
            Ok(if another { Ok(()) } else { Err(format!("{now:?}")) })
        })
        .await?;
        self.until_available(REPLICAS).await
    }

    /// Ends the process of the one that leads, by SIGTERM or without a word of warning, when all are there. The kubelet
    /// starts it again in its Pod.
    pub async fn end_leader(&self, is_asked: bool) -> Result<()> {
        self.until_available(REPLICAS).await?;
        let leader = self.leader().await?;
        if is_asked { terminate(&leader) } else { kill(&leader) }
    }

    /// Stops it and waits until it is gone.
    pub async fn stop(&self) -> Result<()> {
        self.scale(0).await?;
        wait_for("the operator is gone", async || {
            let left = self.names().await?;
            Ok(if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) })
        })
        .await
    }

    /// Starts it again and waits until it is ready.
    pub async fn start(&self) -> Result<()> {
        self.scale(REPLICAS).await?;
        self.until_available(REPLICAS).await
    }

    /// Leaves one of its Pods, with nobody to take over from it, and returns its name.
    pub async fn alone(&self) -> Result<String> {
        self.scale(1).await?;
        wait_for("one operator is left", async || {
            let left = self.names().await?;
            Ok(if left.len() == 1 { Ok(()) } else { Err(format!("{left:?}")) })
        })
        .await?;
        self.leader().await
    }

    /// Runs it with these options besides those it has, and waits until it is ready.
    pub async fn run_with(&self, options: &[&str]) -> Result<()> {
        let appended = |option: &&str| json!({"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": option});
        let patch = json!(options.iter().map(appended).collect::<Vec<_>>()).to_string();
        let command =
            ["--namespace", NAMESPACE, "patch", "deployment", DEPLOYMENT, "--type=json", "-p", &patch];
        self.cluster.kubectl(&command).await?;
        self.until_replaced().await
    }

    /// Waits until one of its Pods leads, and returns its name. One that was killed holds the Lease some seconds more.
    pub async fn leader(&self) -> Result<String> {
        leader(&self.cluster).await
    }

    /// Waits until another than `before` leads.
    pub async fn until_another_leads(&self, before: &str) -> Result<String> {
        wait_for("another operator leads", async || {
            let leader = self.leader().await?;
            Ok(if leader == before { Err(leader) } else { Ok(leader) })
        })
        .await
    }

    /// How often the operator's container in that Pod was started again.
    pub async fn restarts(&self, pod: &str) -> Result<i32> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), NAMESPACE);
        let status = pods.get(pod).await?.status.unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        Ok(containers.iter().map(|container| container.restart_count).sum())
    }

    /// Stops the process of the operator in that Pod, without its noticing, until what is returned is dropped.
    pub fn freeze(&self, pod: &str) -> Result<Frozen> {
        Frozen::operator_of(pod)
    }

    async fn scale(&self, replicas: i32) -> Result<()> {
        let replicas = format!("--replicas={replicas}");
        self.cluster
            .kubectl(&["--namespace", NAMESPACE, "scale", "deployment", DEPLOYMENT, &replicas])
            .await?;
        Ok(())
    }

    /// Waits until none is left of those before: the last of them may lead until it goes.
    /// Waits until none of those from before is left: for some seconds the injector of one goes on answering.
    async fn until_replaced(&self) -> Result<()> {
        self.until_available(REPLICAS).await?;
        wait_for("those from before are gone", async || {
            let now = self.names().await?;
            let are_gone = now.len() == REPLICAS.unsigned_abs() as usize;
            Ok(if are_gone { Ok(()) } else { Err(format!("{now:?}")) })
        })
        .await?;
        self.leader().await.map(drop)
    }

    async fn until_available(&self, replicas: i32) -> Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(self.cluster.client.clone(), NAMESPACE);
        wait_for("the operator is ready", async || {
            let deployment = deployments.get(DEPLOYMENT).await?;
            let status = deployment.status.clone().unwrap_or_default();
            let seen = status.observed_generation == deployment.metadata.generation;
            let all = [status.replicas, status.updated_replicas, status.available_replicas];
            let available = seen && all == [Some(replicas); 3];
            Ok(if available { Ok(()) } else { Err(json!(status).to_string()) })
        })
        .await
    }

    /// The names of its Pods.
    pub async fn names(&self) -> Result<Vec<String>> {
        Ok(pods(&self.cluster).await?.iter().map(ResourceExt::name_any).collect())
    }
}
