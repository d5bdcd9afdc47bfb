//! The operator is away for a while, and the world goes on.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload};
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, kills, sh, wait_for, with_operator};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::ResourceExt;
use kube::api::Api;
use serde_json::json;

use crate::{never_lower, runs};

#[tokio::test]
async fn runs_that_nobody_saw_are_unknown_and_every_run_is_counted_once() -> Result<()> {
    with_operator("away-crash-loop", Security::Privileged, async |space, operator| {
        let container = Container::polite("web").post_start(sh("echo run >> /witness/started; exit 3"));
        space.apply(&Workload::new("web", [container]).replicas(2).witnessed(&space.files)).await?;
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.failed >= 2)
        };
        space.until("web", "two failures are counted", counted).await?;
        agree(space, "web").await?;
        let before = (space.workload("web").await?, space.metrics().await?);

        operator.stop().await?;
        let lines = space.files.count("started")?;
        space.files.until_lines("started", lines + 2).await?;
        let pods = space.pods("web").await?;
        let deleted = pods.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &deleted, "--wait=false"]).await?;
        wait_for("the Pod has ended and waits for the operator", async || {
            let pods = space.pods("web").await?;
            let pod = pods.iter().find(|pod| pod.name_any() == deleted).context("it is gone uncounted")?;
            Ok(if has_ended(pod) { Ok(()) } else { Err(format!("{:?}", pod.status)) })
        })
        .await?;
        operator.start().await?;

        let workload = space.until_stopped("web").await?;
        let (all, failed) = (
            runs(&workload, "web", HookKind::PostStart)?,
            hook(&workload, "web", HookKind::PostStart)?.failed,
        );
        let lines = space.files.count("started")?;
        ensure!(all == lines, "{lines} have run, {all} are counted");
        ensure!(failed >= hook(&before.0, "web", HookKind::PostStart)?.failed, "failures were forgotten");
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(post_start.failed + post_start.unknown == all, "{post_start:?}");
        agree(space, "web").await?;
        never_lower(&before.1, &space.metrics().await?)
    })
    .await
}

#[tokio::test]
async fn a_workload_that_was_deleted_in_its_absence_goes_when_the_operator_is_back() -> Result<()> {
    with_operator("away-deletion", Security::Privileged, async |space, operator| {
        let container = Container::polite("web").pre_stop(sh("echo run >> /witness/stopped; exit 1"));
        space.apply(&Workload::new("web", [container]).replicas(2).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        operator.stop().await?;
        space.kubectl(&["delete", "pods", "-l", "app=web", "--wait=false"]).await?;
        space.kubectl(&["delete", "hw", "web", "--wait=false"]).await?;
        space.files.until_lines("stopped", 2).await?;
        ensure!(space.pods("web").await?.len() == 2, "a Pod has gone uncounted");
        operator.start().await?;
        space.kubectl(&["wait", "--for=delete", "hw/web", "--timeout=300s"]).await?;
        space.until_no_pods("web").await?;
        ensure!(space.files.count("stopped")? == 2);
        space.until_event("web", "HooksAccounted", "2 failed").await
    })
    .await
}

#[tokio::test]
async fn a_namespace_that_was_deleted_in_its_absence_goes_when_the_operator_is_back() -> Result<()> {
    with_operator("away-namespace", Security::Privileged, async |space, operator| {
        let container = Container::polite("web").pre_stop(sh("echo run >> /witness/stopped"));
        space.apply(&Workload::new("web", [container]).replicas(2).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        operator.stop().await?;
        space.kubectl(&["delete", "namespace", &space.name, "--wait=false"]).await?;
        // Nothing can be created in it any more, and its Pods are held until they are counted.
        space.files.until_lines("stopped", 2).await?;
        ensure!(space.pods("web").await?.len() == 2, "a Pod has gone uncounted");
        operator.start().await?;
        let namespaces: Api<Namespace> = Api::all(space.cluster.client.clone());
        wait_for("the namespace is gone", async || {
            let left = namespaces.get_opt(&space.name).await?;
            Ok(left.map_or(Ok(()), |namespace| Err(format!("{:?}", namespace.status))))
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_drain_of_the_operators_own_node_ends_when_the_operator_runs_again() -> Result<()> {
    with_operator("away-drain", Security::Privileged, async |space, operator| {
        let container = Container::polite("web").pre_stop(sh("echo run >> /witness/stopped"));
        let workload = Workload::new("drained", [container]).with("hooks", json!({"measurement": "Runner"}));
        space.apply(&workload.replicas(2).witnessed(&space.files)).await?;
        space.until_ready("drained").await?;
        let node = space.pods("drained").await?.first().and_then(|pod| pod.spec.clone()?.node_name);
        let node = node.context("the Pod is nowhere")?;
        // Of two the budget would keep one, for which this cluster has no other node.
        let before = operator.alone().await?;
        // A drain is of all namespaces: nothing else here has that name. The operator goes first, as bad luck would
        // have it.
        let drained = async {
            let others = "app.kubernetes.io/name=hooked";
            drain(space, &node, others).await?;
            ensure!(operator.names().await? != [before], "the operator was not evicted");
            let workload = drain(space, &node, "app=drained");
            let back = async {
                space.files.until_lines("stopped", 2).await?;
                // As if another node had room for it.
                space.kubectl(&["uncordon", &node]).await
            };
            tokio::try_join!(workload, back).map(drop)
        }
        .await;
        // Whatever came of it, the next scenario needs the node.
        space.kubectl(&["uncordon", &node]).await?;
        operator.start().await?;
        drained?;
        let stopped = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PreStop).is_ok_and(|counted| counted.succeeded == 2)
        };
        let workload = space.until("drained", "both stops are counted", stopped).await?;
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "drained").await
    })
    .await
}

async fn drain(space: &Space, node: &str, pods: &str) -> Result<()> {
    let selector = format!("--pod-selector={pods}");
    let arguments =
        ["drain", node, &selector, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s"];
    space.kubectl(&arguments).await.map(drop)
}

fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
