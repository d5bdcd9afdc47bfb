//! Ends that are not a workload's ordinary end: orphaned Pods, forced deletions, whole namespaces.

use anyhow::{Context, Result, ensure};
use hooked_crd::HookKind;
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, in_namespace, sh, wait_for};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::ResourceExt;
use kube::api::Api;
use serde_json::json;

fn counting(space: &Space) -> Workload {
    let container = Container::polite("web").pre_stop(sh("echo $HOSTNAME >> /witness/stopped"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

#[tokio::test]
async fn orphaned_pods_live_on_with_nothing_of_ours_that_holds_them() -> Result<()> {
    in_namespace("orphans", Security::Privileged, async |space| {
        space.apply(&counting(space)).await?;
        space.until_ready("web").await?;
        space.kubectl(&["delete", "hw", "web", "--cascade=orphan", "--timeout=300s"]).await?;
        let ours = |pod: &Pod| !pod.finalizers().is_empty() || !pod.owner_references().is_empty();
        wait_for("the Pods are let go", async || {
            let pods = space.pods("web").await?;
            let held: Vec<&Pod> = pods.iter().filter(|pod| ours(pod)).collect();
            Ok(if held.is_empty() { Ok(()) } else { Err(json!(held[0].metadata).to_string()) })
        })
        .await?;
        let pods = space.pods("web").await?;
        ensure!(pods.len() == 2, "{} Pods", pods.len());
        ensure!(
            pods.iter().all(|pod| pod.metadata.deletion_timestamp.is_none()),
            "an orphan is being deleted"
        );
        ensure!(space.files.count("stopped")? == 0, "an orphan was stopped");
        // Nobody counts them any more, so nobody may hold them.
        space.kubectl(&["delete", "pods", "-l", "app=web", "--timeout=300s"]).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_that_is_deleted_by_force_is_replaced_and_does_not_hang() -> Result<()> {
    in_namespace("force", Security::Privileged, async |space| {
        space.apply(&counting(space)).await?;
        space.until_ready("web").await?;
        let name = space.pods("web").await?.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &name, "--force", "--grace-period=0", "--wait=false"]).await?;
        wait_for("the Pod is gone", async || {
            let left: Vec<String> = space.pods("web").await?.iter().map(ResourceExt::name_any).collect();
            Ok(if left.contains(&name) { Err(format!("{left:?}")) } else { Ok(()) })
        })
        .await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        let runs = pre_stop.succeeded + pre_stop.failed + pre_stop.timed_out + pre_stop.unknown;
        ensure!(runs == 3, "three Pods were stopped, but {pre_stop:?}");
        ensure!(runs >= space.files.count("stopped")?, "{pre_stop:?}");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_namespace_is_deleted_with_workloads_that_live_in_it() -> Result<()> {
    in_namespace("whole", Security::Privileged, async |space| {
        space.apply(&counting(space)).await?;
        let failing = Container::polite("bad").post_start(sh("exit 3"));
        space.apply(&Workload::new("bad", [failing])).await?;
        space.until_ready("web").await?;
        space.kubectl(&["delete", "namespace", &space.name, "--wait=false"]).await?;
        let namespaces: Api<Namespace> = Api::all(space.cluster.client.clone());
        wait_for("the namespace is gone", async || {
            let left = namespaces.get_opt(&space.name).await?;
            Ok(left.map_or(Ok(()), |namespace| Err(json!(namespace.status).to_string())))
        })
        .await?;
        ensure!(space.files.count("stopped")? == 2, "each Pod was stopped in order");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn hooks_run_and_are_counted_where_pods_may_do_nothing_that_is_not_needed() -> Result<()> {
    in_namespace("restricted", Security::Restricted, async |space| {
        let confined = json!({
            "runAsNonRoot": true, "runAsUser": 65534, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
            "readOnlyRootFilesystem": true,
        });
        let container = Container::polite("web")
            .with("securityContext", confined)
            .post_start(sh("true"))
            .pre_stop(sh("exit 1"));
        // As written by most: with the default way to measure.
        space.apply(&Workload::new("web", [container]).with("hooks", json!({}))).await?;
        space.until_ready("web").await?;
        let succeeded = |workload: &hooked_crd::HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.succeeded == 1)
        };
        space.until("web", "its postStart is counted", succeeded).await?;
        let workload = space.until_stopped("web").await?;
        ensure!(hook(&workload, "web", HookKind::PreStop)?.failed == 1);
        agree(space, "web").await
    })
    .await
}
