//! Pods that go because somebody or something else wants their node: evictions, pressure, and nodes that are no more.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, KillReason};
use hooked_e2e::{Container, Security, Workload, agree, hook, in_namespace, kills, sh, with_nodes};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, EvictParams};
use serde_json::json;

#[tokio::test]
async fn an_eviction_by_the_api_is_an_ordinary_stop() -> Result<()> {
    in_namespace("evict", Security::Privileged, async |space| {
        let container = Container::polite("web").pre_stop(sh("echo run >> /witness/stopped"));
        let workload = Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"}));
        space.apply(&workload.replicas(2).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let evicted = space.pods("web").await?.first().context("no Pod")?.name_any();
        pods.evict(&evicted, &EvictParams::default()).await?;
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PreStop).is_ok_and(|counted| counted.succeeded == 1)
        };
        space.until("web", "its preStop is counted", counted).await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        ensure!(
            hook(&workload, "web", HookKind::PreStop)?.succeeded == 3 && space.files.count("stopped")? == 3
        );
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_pod_that_the_kubelet_evicts_is_killed_by_that() -> Result<()> {
    in_namespace("pressure", Security::Privileged, async |space| {
        // The first one to come writes more than it may; those that replace it do not.
        let program = "mkdir /witness/first && dd if=/dev/zero of=/big bs=1M count=20; trap 'exit 0' TERM; sleep 100000 & wait";
        let container = Container::script("web", program)
            .with("resources", json!({"limits": {"ephemeral-storage": "5Mi"}}))
            .pre_stop(sh("echo run >> /witness/stopped"));
        space.apply(&Workload::new("web", [container]).witnessed(&space.files)).await?;
        space.until("web", "a kill is counted", |workload| !kills(workload).is_empty()).await?;
        space.until_ready("web").await?;
        space.scale("web", 0).await?;
        // As of a Deployment, what is left of an evicted Pod stays to be looked at.
        space.kubectl(&["delete", "pods", "-l", "app=web", "--wait=false"]).await?;
        space.until_no_pods("web").await?;
        let workload = space.workload("web").await?;
        ensure!(kills(&workload) == [(KillReason::Evicted, 1)], "{:?}", kills(&workload));
        ensure!(workload.status.context("no status")?.hook_totals.kills == 0, "no hook is to blame");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_pod_whose_node_is_no_more_is_lost_and_let_go() -> Result<()> {
    with_nodes(1, async |nodes| {
        in_namespace("lost", Security::Privileged, async |space| {
            let container = Container::polite("web").pre_stop(sh("true"));
            let mut manifest = Workload::new("web", [container]).manifest().clone();
            nodes.attract(&mut manifest["spec"]["template"]["spec"]);
            space.apply_manifest(&manifest).await?;
            space.until_ready("web").await?;
            nodes.remove(nodes.names().await.first().context("no node")?).await?;
            space.until("web", "its loss is counted", |workload| !kills(workload).is_empty()).await?;
            // Those that replace it find no node and never start.
            let workload = space.until_stopped("web").await?;
            ensure!(kills(&workload) == [(KillReason::NodeLost, 1)], "{:?}", kills(&workload));
            let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
            ensure!(pre_stop.unknown == 1 && pre_stop.failed == 0, "{pre_stop:?}");
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
async fn without_a_finalizer_pods_go_as_ever_and_their_runs_are_counted_as_far_as_they_are_known()
-> Result<()> {
    in_namespace("best-effort", Security::Privileged, async |space| {
        let container = Container::polite("web")
            .post_start(sh("echo run >> /witness/started"))
            .pre_stop(sh("echo run >> /witness/stopped"));
        let hooks = json!({"evidence": "BestEffort", "measurement": "Runner"});
        space
            .apply(
                &Workload::new("web", [container]).with("hooks", hooks).replicas(3).witnessed(&space.files),
            )
            .await?;
        space.until_ready("web").await?;
        let held = space.pods("web").await?.iter().any(|pod| !pod.finalizers().is_empty());
        ensure!(!held, "a Pod is held although nobody asked for it");
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.succeeded == 3)
        };
        space.until("web", "all postStarts are counted", counted).await?;
        space.scale("web", 0).await?;
        space.until_no_pods("web").await?;
        let all = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PreStop).is_ok_and(|known| known.succeeded + known.unknown == 3)
        };
        let workload = space.until("web", "every stop is counted", all).await?;
        ensure!(space.files.count("stopped")? == 3 && space.files.count("started")? == 3);
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == 3);
        agree(space, "web").await
    })
    .await
}
