//! Manifests of Deployments, turned into workloads by changing `apiVersion` and `kind`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Security, Space, in_namespace, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

#[tokio::test]
async fn a_terse_deployment_is_a_workload_by_another_name() -> Result<()> {
    check("terse").await
}

#[tokio::test]
async fn a_deployments_quantities_reach_the_pod() -> Result<()> {
    check("numbers").await
}

#[tokio::test]
async fn every_field_of_a_deployment_reaches_the_pod() -> Result<()> {
    check("everything").await
}

/// `kubectl get deployment -o yaml`, two lines changed.
#[tokio::test]
async fn a_deployment_as_it_is_exported_is_a_workload_by_another_name() -> Result<()> {
    in_namespace("exported", Security::Baseline, async |space| {
        create(space, &read("terse")?).await?;
        space.kubectl(&["wait", "deployment/terse", "--for=condition=Available", "--timeout=300s"]).await?;
        let export = ["get", "deployment", "terse", "--show-managed-fields", "--output=json"];
        let mut workload: Value = serde_json::from_str(&space.kubectl(&export).await?)?;
        ensure!(workload["status"]["conditions"].is_array() && workload["metadata"]["uid"].is_string());
        workload["apiVersion"] = json!("hooked.dev/v1alpha1");
        workload["kind"] = json!("HookedWorkload");
        create(space, &workload).await?;
        space.until_ready("terse").await?;

        space.kubectl(&["delete", "hw", "terse", "--timeout=300s"]).await?;
        space.apply_manifest(&workload).await?;
        space.until_ready("terse").await?;
        Ok(())
    })
    .await
}

/// Runs both side by side in one namespace and compares their Pods as the API server has completed them.
async fn check(name: &str) -> Result<()> {
    in_namespace(name, Security::Baseline, async |space| {
        let deployment = read(name)?;
        let mut workload = deployment.clone();
        workload["apiVersion"] = json!("hooked.dev/v1alpha1");
        workload["kind"] = json!("HookedWorkload");
        // Created and not applied: a merge would do away with the doublets.
        create(space, &deployment).await?;
        space.apply_manifest(&workload).await?;
        let ready = space.until_ready(name).await?;
        let wanted = ready.spec.replicas.unwrap_or(1);
        ensure!(ready.status.context("no status")?.available_replicas == wanted);

        // The Runner may change the Pod; the Observer leaves it as it is written.
        workload["spec"]["hooks"] = json!({"measurement": "Observe"});
        space.apply_manifest(&workload).await?;
        space.until_ready(name).await?;
        let theirs = pod_of(space, name, "ReplicaSet").await?;
        let ours = pod_of(space, name, "HookedWorkload").await?;
        compare("spec", &spec_of(&theirs), &spec_of(&ours))?;
        compare("labels", &labels_of(&theirs), &labels_of(&ours))?;
        compare("annotations", &json!(theirs.annotations()), &annotations_of(&ours))
    })
    .await
}

fn read(name: &str) -> Result<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deployments").join(format!("{name}.yaml"));
    Ok(serde_saphyr::from_str(&fs::read_to_string(file)?)?)
}

async fn create(space: &Space, manifest: &Value) -> Result<()> {
    let arguments = ["--namespace", &space.name, "create", "-f", "-"];
    space.cluster.kubectl_reading(&arguments, manifest.to_string()).await?;
    Ok(())
}

/// The newest Pod that an owner of this kind has made.
async fn pod_of(space: &Space, name: &str, kind: &str) -> Result<Pod> {
    wait_for(&format!("a Pod of {kind} {name}"), async || {
        let pods = space.pods(name).await?;
        let made = |pod: &Pod| pod.owner_references().iter().any(|owner| owner.kind == kind);
        let theirs = pods.into_iter().filter(made);
        let newest = theirs.max_by_key(|pod| pod.metadata.creation_timestamp.clone());
        Ok(newest.ok_or_else(|| "none".to_owned()))
    })
    .await
}

/// A Pod's spec without what differs between any two Pods of one template: the node, and the token's volume.
fn spec_of(pod: &Pod) -> Value {
    let mut spec = json!(pod.spec);
    spec["nodeName"] = Value::Null;
    drop_tokens(&mut spec["volumes"]);
    for kind in ["containers", "initContainers"] {
        for container in spec[kind].as_array_mut().into_iter().flatten() {
            drop_tokens(&mut container["volumeMounts"]);
        }
    }
    spec
}

fn drop_tokens(named: &mut Value) {
    if let Some(all) = named.as_array_mut() {
        all.retain(|one| !one["name"].as_str().unwrap_or_default().starts_with("kube-api-access-"));
    }
}

/// A Pod's annotations without what ours says of itself: its number, and that it keeps no node.
fn annotations_of(pod: &Pod) -> Value {
    let mut annotations = pod.annotations().clone();
    let is_ours = |name: &str| {
        name.starts_with("hooked.dev/") || name == "cluster-autoscaler.kubernetes.io/safe-to-evict"
    };
    annotations.retain(|name, _| !is_ours(name));
    json!(annotations)
}

fn labels_of(pod: &Pod) -> Value {
    let mut labels = pod.labels().clone();
    labels.retain(|name, _| name != "pod-template-hash" && !name.starts_with("hooked.dev/"));
    json!(labels)
}

fn compare(what: &str, theirs: &Value, ours: &Value) -> Result<()> {
    ensure!(theirs == ours, "{what} differ\nDeployment: {theirs:#}\nHookedWorkload: {ours:#}");
    Ok(())
}
