//! The ready examples of config/samples, as a newcomer applies them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, KillReason};
use hooked_e2e::{Security, Space, agree, hook, in_namespace, kills};
use kube::ResourceExt;
use serde_json::{Value, json};

#[tokio::test]
async fn hook_demo1_has_said_hello_when_its_pods_are_ready() -> Result<()> {
    in_namespace("demo1", Security::Baseline, async |space| {
        space.apply_manifest(&sample("hook-demo1", space)?).await?;
        space.until_ready("hook-demo1").await?;
        let pods = space.pods("hook-demo1").await?;
        ensure!(pods.len() == 2, "{} Pods", pods.len());
        for pod in &pods {
            let said = space.kubectl(&["exec", &pod.name_any(), "--", "cat", "/usr/share/message"]).await?;
            ensure!(said.trim() == "Hello from the postStart handler", "{said:?}");
        }
        let workload = space
            .until("hook-demo1", "both runs are counted", |workload| {
                workload.status.as_ref().is_some_and(|status| status.hook_totals.succeeded == 2)
            })
            .await?;
        let post_start = hook(&workload, "hook-demo1", HookKind::PostStart)?;
        ensure!(post_start.succeeded == 2 && post_start.failed == 0, "{post_start:?}");
        agree(space, "hook-demo1").await
    })
    .await
}

#[tokio::test]
async fn hook_demo2_leaves_its_message_on_the_node() -> Result<()> {
    in_namespace("demo2", Security::Privileged, async |space| {
        space.apply_manifest(&sample("hook-demo2", space)?).await?;
        space.until_ready("hook-demo2").await?;
        ensure!(space.files.lines("message")?.is_empty(), "the hook has run before the stop");
        space.scale("hook-demo2", 0).await?;
        space.until_no_pods("hook").await?;
        ensure!(space.files.lines("message")? == ["Hello from the preStop Handler"]);
        let workload = space.workload("hook-demo2").await?;
        let pre_stop = hook(&workload, "hook-demo2", HookKind::PreStop)?;
        ensure!(pre_stop.succeeded + pre_stop.unknown == 1 && pre_stop.failed == 0, "{pre_stop:?}");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "hook-demo2").await
    })
    .await
}

#[tokio::test]
async fn an_nginx_that_is_told_to_quit_has_neither_failed_nor_been_killed() -> Result<()> {
    in_namespace("quit", Security::Baseline, async |space| {
        space.apply_manifest(&sample("hook-demo-quit", space)?).await?;
        space.until_ready("hook-demo-quit").await?;
        let workload = space.until_stopped("hook-demo-quit").await?;
        let pre_stop = hook(&workload, "nginx", HookKind::PreStop)?;
        ensure!(pre_stop.succeeded + pre_stop.unknown == 2 && pre_stop.failed == 0, "{pre_stop:?}");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "hook-demo-quit").await
    })
    .await
}

#[tokio::test]
async fn a_hook_that_fails_is_shown_with_its_kills() -> Result<()> {
    in_namespace("demo-fail", Security::Baseline, async |space| {
        space.apply_manifest(&sample("hook-demo-fail", space)?).await?;
        // A run is counted when its runner tells of it, the kill that follows when it is seen.
        let counted = |status: &hooked_crd::HookedWorkloadStatus| {
            status.hook_totals.failed >= 2 && status.hook_totals.kills == status.hook_totals.failed
        };
        let workload = space
            .until("hook-demo-fail", "two runs and their kills are counted", |workload| {
                workload.status.as_ref().is_some_and(counted)
            })
            .await?;
        let status = workload.status.clone().context("no status")?;
        ensure!(status.last_hook.as_deref() == Some("PostStart/Failed"), "{:?}", status.last_hook);
        ensure!(kills(&workload) == [(KillReason::PostStartHookFailed, status.hook_totals.failed)]);
        ensure!(status.ready_replicas == 0, "{status:?}");
        space.until_event("hook-demo-fail", "HookFailed", "PostStart of container nginx").await?;
        space.until_event("hook-demo-fail", "ContainerKilled", "PostStartHookFailed").await?;
        agree(space, "hook-demo-fail").await
    })
    .await
}

/// A sample as it is in config/samples, but for the namespace and the directory of the node.
fn sample(name: &str, space: &Space) -> Result<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/samples").join(format!("{name}.yaml"));
    let mut manifest: Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
    manifest["metadata"]["namespace"] = json!(space.name);
    for volume in manifest["spec"]["template"]["spec"]["volumes"].as_array_mut().into_iter().flatten() {
        if volume.get("hostPath").is_some() {
            volume["hostPath"]["path"] = json!(space.files.path());
        }
    }
    Ok(manifest)
}
