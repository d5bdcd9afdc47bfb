//! What a cluster has before anything is measured: our kind of object, namespaces that take Pods, and nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use hooked_e2e::wait_within;
use k8s_openapi::api::core::v1::{Namespace, Node, Secret, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;

/// Where the operator would run.
pub(crate) const OPERATOR_NAMESPACE: &str = "hooked-system";
const DEFINITION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/crd/hooked.dev_hookedworkloads.yaml"));

/// Installs our kind of object and what the operator finds in its own namespace.
pub(crate) async fn everything(client: &Client) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition: CustomResourceDefinition = serde_saphyr::from_str(DEFINITION)?;
    let created = definitions.create(&PostParams::default(), &definition).await?;
    let name = created.metadata.name.unwrap_or_default();
    namespace(client, OPERATOR_NAMESPACE).await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let live = json!({"metadata": {"name": "hooked-controller-live"}, "type": "Opaque"});
    secrets.create(&PostParams::default(), &serde_json::from_value(live)?).await?;
    wait_within(Duration::from_secs(60), "the definition is established", async || {
        let status = definitions.get(&name).await?.status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let mut established =
            conditions.iter().filter(|one| one.type_ == "Established" && one.status == "True");
        Ok(established.next().map(drop).ok_or_else(|| format!("{conditions:?}")))
    })
    .await
}

/// A namespace with the account that Pods run as, which no controller makes here.
pub(crate) async fn namespace(client: &Client, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let wanted = json!({"metadata": {"name": name}});
    namespaces.create(&PostParams::default(), &serde_json::from_value(wanted)?).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), name);
    let account = json!({"metadata": {"name": "default"}});
    accounts.create(&PostParams::default(), &serde_json::from_value(account)?).await?;
    Ok(())
}

/// Node objects of machines that mount images as volumes.
pub(crate) async fn nodes(client: &Client, count: u32) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 0..count {
        let labels: BTreeMap<&str, &str> =
            [("kubernetes.io/arch", architecture()), ("kubernetes.io/os", "linux")].into();
        let info = json!({
            "architecture": architecture(), "operatingSystem": "linux", "kubeletVersion": "v1.36.3",
            "containerRuntimeVersion": "containerd://2.2.0", "bootID": "", "kernelVersion": "", "kubeProxyVersion": "",
            "machineID": "", "osImage": "", "systemUUID": "",
        });
        let node = json!({
            "metadata": {"name": format!("node-{number}"), "labels": labels},
            "status": {"nodeInfo": info},
        });
        nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    }
    Ok(())
}

/// This machine's architecture, as Kubernetes calls it.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
