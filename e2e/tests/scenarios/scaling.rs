//! More Pods, fewer Pods, none: names are never used twice, and every stop is counted.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload};
use hooked_e2e::{
    Container, History, Security, Space, Workload, agree, hook, in_namespace, kills, sh, wait_for,
};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

/// A preStop hook that is seen to run, since it goes on until the scenario says so.
const STOPS_WHEN_TOLD: &str =
    "echo $HOSTNAME >> /witness/stopped; until [ -e /witness/go ]; do sleep 0.1; done";

fn counting(space: &Space, pre_stop: &str) -> Workload {
    let container =
        Container::polite("web").post_start(sh("echo $HOSTNAME >> /witness/started")).pre_stop(sh(pre_stop));
    Workload::new("web", [container]).grace(300).witnessed(&space.files)
}

fn replicas(workload: &HookedWorkload) -> (i32, i32) {
    workload.status.as_ref().map_or((0, 0), |status| (status.replicas, status.terminating_replicas))
}

#[tokio::test]
async fn pods_come_and_go_with_the_number_and_no_name_is_used_twice() -> Result<()> {
    in_namespace("scaling", Security::Privileged, async |space| {
        space.apply(&counting(space, STOPS_WHEN_TOLD).replicas(0)).await?;
        let history = History::record(space, "web").await;
        space.until_ready("web").await?;
        ensure!(space.pods("web").await?.is_empty());

        space.scale("web", 3).await?;
        space.until_ready("web").await?;
        let by_hand = space.pods("web").await?.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &by_hand, "--wait=false"]).await?;
        space
            .until("web", "the Pod that was deleted by hand is being replaced", |web| replicas(web) == (3, 1))
            .await?;
        space.files.touch("go")?;
        space.until_ready("web").await?;
        space.scale("web", 1).await?;
        space.until("web", "one Pod is left", |web| replicas(web) == (1, 0)).await?;
        let workload = space.until_stopped("web").await?;

        let seen: BTreeSet<(u64, String)> =
            history.moments().into_iter().flatten().map(|pod| (pod.ordinal, pod.name)).collect();
        let ordinals: Vec<u64> = seen.iter().map(|(ordinal, _)| *ordinal).collect();
        ensure!(ordinals == [1, 2, 3, 4], "each Pod has a number of its own: {seen:?}");
        let started = only_once(space.files.lines("started")?)?;
        let stopped = only_once(space.files.lines("stopped")?)?;
        ensure!(started == stopped && started.len() == 4, "{started:?} {stopped:?}");
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == 4);
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.succeeded + pre_stop.unknown == 4 && pre_stop.failed == 0, "{pre_stop:?}");
        agree(space, "web").await
    })
    .await
}

/// The names, each of which must be there once.
fn only_once(lines: Vec<String>) -> Result<BTreeSet<String>> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_insert(0) += 1;
    }
    ensure!(counts.values().all(|count| *count == 1), "{counts:?}");
    Ok(counts.into_keys().collect())
}

#[tokio::test]
async fn a_workload_that_is_deleted_in_a_scale_down_leaves_nothing_behind() -> Result<()> {
    in_namespace("delete", Security::Privileged, async |space| {
        space.apply(&counting(space, STOPS_WHEN_TOLD).replicas(4)).await?;
        space.until_ready("web").await?;
        space.scale("web", 2).await?;
        space.until("web", "two Pods are terminating", |web| replicas(web) == (2, 2)).await?;
        space.kubectl(&["delete", "hw", "web", "--wait=false"]).await?;
        space.files.touch("go")?;
        space.kubectl(&["wait", "hw", "web", "--for=delete", "--timeout=300s"]).await?;
        ensure!(space.pods("web").await?.is_empty(), "the workload is gone before its Pods");
        ensure!(only_once(space.files.lines("stopped")?)?.len() == 4, "each preStop has run once");
        until_no_revisions(space).await?;
        space.until_event("web", "HooksAccounted", "0 failed").await
    })
    .await
}

#[tokio::test]
async fn a_container_that_was_never_started_has_neither_run_a_hook_nor_been_killed() -> Result<()> {
    in_namespace("too-late", Security::Privileged, async |space| {
        space.apply(&counting(space, "echo $HOSTNAME >> /witness/stopped").replicas(6)).await?;
        wait_for("a Pod is bound to the node", async || {
            let pods = space.pods("web").await?;
            let bound = |pod: &Pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
            Ok(if pods.iter().any(bound) { Ok(()) } else { Err(format!("{} Pods", pods.len())) })
        })
        .await?;
        // Before most of them have started.
        let workload = space.until_stopped("web").await?;
        let (started, stopped) = (space.files.count("started")?, space.files.count("stopped")?);
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        let runs = post_start.succeeded + post_start.failed + post_start.unknown;
        ensure!(runs == started, "{started} have run, but {post_start:?}");
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        let runs = pre_stop.succeeded + pre_stop.failed + pre_stop.timed_out + pre_stop.unknown;
        ensure!(runs == stopped, "{stopped} have run, but {pre_stop:?}");
        let killed: i64 = kills(&workload).iter().map(|(_, count)| count).sum();
        ensure!(killed <= started, "{started} have started, but {:?}", kills(&workload));
        agree(space, "web").await
    })
    .await
}

async fn until_no_revisions(space: &Space) -> Result<()> {
    let revisions: Api<ControllerRevision> = Api::namespaced(space.cluster.client.clone(), &space.name);
    wait_for("the workload's revisions are gone", async || {
        let left = revisions.list(&ListParams::default()).await?;
        let names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
        Ok(if names.is_empty() { Ok(()) } else { Err(format!("{names:?}")) })
    })
    .await
}
