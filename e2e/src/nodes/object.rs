//! What there is of a node besides its Pods: the Node object, and the Lease by which it is known to live.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::PAUSE;

/// How often a kubelet renews its Lease, and for how long one is good: what a kubelet's configuration has by default.
const RENEWAL: Duration = Duration::from_secs(10);
const LEASE_SECONDS: u64 = 40;
const LEASES: &str = "kube-node-lease";

/// A node that takes only Pods which are meant for it.
pub(super) async fn create(client: &Client, name: &str, (key, value): (&str, &str)) -> Result<()> {
    let node = json!({
        "metadata": {"name": name, "labels": {key: value, "kubernetes.io/hostname": name}},
        "spec": {"taints": [{"key": key, "value": value, "effect": "NoSchedule"}]},
    });
    let nodes: Api<Node> = Api::all(client.clone());
    nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    Ok(())
}

/// Keeps a node alive, for as long as this is polled.
pub(super) async fn keep(client: &Client, name: &str) {
    loop {
        // The Lease first: the node lifecycle controller would take a node that is ready, but of no Lease, for lost.
        let pause = match renew(client, name).await {
            Ok(()) => RENEWAL,
            Err(_) => PAUSE,
        };
        tokio::time::sleep(pause).await;
    }
}

async fn renew(client: &Client, name: &str) -> kube::Result<()> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), LEASES);
    let manager = PatchParams::apply("simulated-kubelet").force();
    leases.patch(name, &manager, &Patch::Apply(lease(name))).await?;
    let nodes: Api<Node> = Api::all(client.clone());
    nodes.patch_status(name, &PatchParams::default(), &Patch::Strategic(status())).await?;
    Ok(())
}

fn lease(name: &str) -> Value {
    let renewed = format!("{:.6}", Timestamp::now());
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": LEASES},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": renewed},
    })
}

fn status() -> Value {
    let resources = json!({"cpu": "64", "memory": "256Gi", "pods": "1000"});
    let now = format!("{:.0}", Timestamp::now());
    let condition = |type_: &str, status: &str, reason: &str| {
        json!({
            "type": type_, "status": status, "reason": reason,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    json!({"status": {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [
            condition("Ready", "True", "KubeletReady"),
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        ],
    }})
}
