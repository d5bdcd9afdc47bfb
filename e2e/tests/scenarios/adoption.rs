//! Pods that nobody controls are taken over as they are; of workloads that ask for the same Pods each keeps its own.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use hooked_crd::HookKind;
use hooked_e2e::{Container, Security, Space, Workload, condition, hook, in_namespace, sh, wait_for};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

fn counting(space: &Space) -> Workload {
    let container = Container::polite("web")
        .post_start(sh("echo $HOSTNAME >> /witness/started"))
        .pre_stop(sh("echo $HOSTNAME >> /witness/stopped"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

fn uids(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().filter_map(Pod::uid).collect()
}

/// Waits until a workload controls these Pods, and holds them.
async fn until_owned(space: &Space, wanted: &BTreeSet<String>) -> Result<()> {
    wait_for("the Pods are the workload's", async || {
        let pods = space.pods("web").await?;
        let is_ours = |pod: &&Pod| !pod.owner_references().is_empty() && !pod.finalizers().is_empty();
        let ours: Vec<Pod> = pods.iter().filter(is_ours).cloned().collect();
        Ok(if uids(&ours).is_superset(wanted) {
            Ok(())
        } else {
            Err(format!("{:?} of {wanted:?}", uids(&ours)))
        })
    })
    .await
}

#[tokio::test]
async fn pods_that_were_left_behind_are_those_of_the_next_workload_of_that_name() -> Result<()> {
    in_namespace("adopted", Security::Privileged, async |space| {
        space.apply(&counting(space)).await?;
        space.until_ready("web").await?;
        space.files.until_lines("started", 2).await?;
        let left = uids(&space.pods("web").await?);
        space.kubectl(&["delete", "hw", "web", "--cascade=orphan", "--timeout=300s"]).await?;

        space.apply(&counting(space)).await?;
        space.until_ready("web").await?;
        until_owned(space, &left).await?;
        ensure!(uids(&space.pods("web").await?) == left, "other Pods were made");
        let revisions: Api<ControllerRevision> = Api::namespaced(space.cluster.client.clone(), &space.name);
        let revisions = revisions.list(&ListParams::default()).await?.items;
        ensure!(revisions.len() == 1 && !revisions[0].owner_references().is_empty(), "{revisions:?}");

        let workload = space.until_stopped("web").await?;
        ensure!(space.files.count("started")? == 2 && space.files.count("stopped")? == 2);
        // What was over before is nobody's; what has run since is the workload's.
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == 0, "{workload:?}");
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.succeeded + pre_stop.unknown == 2 && pre_stop.failed == 0, "{pre_stop:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_that_is_taken_out_and_put_back_is_the_workloads_again() -> Result<()> {
    in_namespace("put-back", Security::Privileged, async |space| {
        space.apply(&counting(space)).await?;
        space.until_ready("web").await?;
        let pod = space.pods("web").await?.first().cloned().context("no Pod")?;
        let name = pod.name_any();
        space.kubectl(&["label", "pod", &name, "app=debug", "--overwrite"]).await?;
        wait_for("the Pod is nobody's, and another is in its place", async || {
            let pods = space.pods("debug").await?;
            let is_free =
                pods.iter().all(|pod| pod.owner_references().is_empty() && pod.finalizers().is_empty());
            let others = space.pods("web").await?.len();
            Ok(if is_free && others == 2 { Ok(()) } else { Err(format!("{others} others, {pods:?}")) })
        })
        .await?;
        // There is one too many then, which may be this one: only the workload would delete it.
        space.kubectl(&["label", "pod", &name, "app=web", "--overwrite"]).await?;
        wait_for("the Pod is the workload's again", async || {
            let pods = space.pods("web").await?;
            let found = pods.iter().find(|found| found.uid() == pod.uid());
            Ok(match found {
                Some(found) if found.owner_references().is_empty() => Err(format!("{:?}", found.metadata)),
                _ => Ok(()),
            })
        })
        .await?;
        wait_for("two Pods are left", async || {
            let left = space.pods("web").await?.len();
            Ok(if left == 2 { Ok(()) } else { Err(format!("{left}")) })
        })
        .await?;
        space.until_ready("web").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn workloads_that_ask_for_the_same_pods_are_told_of_each_other() -> Result<()> {
    in_namespace("overlap", Security::Baseline, async |space| {
        let of_app = |name: &str| Workload::new("web", [Container::polite("web")]).named(name);
        space.apply(&of_app("blue")).await?;
        space.apply(&of_app("green")).await?;
        for (name, other) in [("blue", "green"), ("green", "blue")] {
            space
                .until(name, "it is told of the other", |workload| {
                    condition(workload, "Stalled").is_some_and(|known| {
                        known.status == "False"
                            && known.reason == "SelectorOverlap"
                            && known.message.contains(other)
                    })
                })
                .await?;
            space.until_event(name, "SelectorOverlap", other).await?;
            space.until_ready(name).await?;
        }
        ensure!(space.pods("web").await?.len() == 2, "each has its own Pod");
        space.kubectl(&["delete", "hw", "green", "--timeout=300s"]).await?;
        space
            .until("blue", "it is alone", |workload| {
                condition(workload, "Stalled").is_some_and(|known| known.reason == "NotStalled")
            })
            .await?;
        Ok(())
    })
    .await
}
