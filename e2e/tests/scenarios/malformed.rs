//! What cannot be carried out is said where people look, hurts nobody else, and can be corrected or removed.

use anyhow::{Context, Result, ensure};
use hooked_crd::HookedWorkload;
use hooked_e2e::{Container, Security, Space, Workload, condition, in_namespace, sh, wait_for};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use serde_json::{Value, json};

fn web() -> Workload {
    Workload::new("web", [Container::polite("web").post_start(sh("true"))])
}

/// Waits until the workload is stalled, and returns why.
async fn until_stalled(space: &Space, name: &str) -> Result<Condition> {
    // Read as it is: it may be one that cannot be decoded.
    let kind = ApiResource::erase::<HookedWorkload>(&());
    let workloads: Api<DynamicObject> =
        Api::namespaced_with(space.cluster.client.clone(), &space.name, &kind);
    wait_for(&format!("{name} is stalled"), async || {
        let data = workloads.get(name).await?.data;
        let conditions: Vec<Condition> = serde_json::from_value(data["status"]["conditions"].clone())?;
        let stalled = conditions.into_iter().find(|known| known.type_ == "Stalled" && known.status == "True");
        Ok(stalled.ok_or_else(|| data["status"]["conditions"].to_string()))
    })
    .await
}

async fn patch_status(space: &Space, name: &str, status: Value) -> Result<()> {
    let patch = json!({"status": status}).to_string();
    space.kubectl(&["patch", "hw", name, "--subresource=status", "--type=merge", "--patch", &patch]).await?;
    Ok(())
}

/// What the API server lets somebody write, and no state that an operator can go on from.
fn undecodable() -> Value {
    json!({"ledger": {"highWater": "high"}})
}

async fn check_refused(name: &str, path: &str, break_it: impl Fn(Workload) -> Workload) -> Result<()> {
    in_namespace(name, Security::Baseline, async |space| {
        space.apply(&break_it(web())).await?;
        let stalled = until_stalled(space, "web").await?;
        ensure!(stalled.message.contains(&format!("spec.template.{path}")), "{stalled:?}");
        let workload = space.workload("web").await?;
        let ready = condition(&workload, "Ready").context("no condition Ready")?;
        ensure!(ready.status == "False" && ready.message == stalled.message, "{ready:?}");
        ensure!(space.pods("web").await?.is_empty(), "a Pod was made of a template that is refused");
        until_invalid(space, 1).await?;
        space.until_event("web", "InvalidTemplate", path).await?;

        space.apply(&web()).await?;
        let workload = space.until_ready("web").await?;
        let stalled = condition(&workload, "Stalled").context("no condition Stalled")?;
        ensure!(stalled.status == "False", "{stalled:?}");
        until_invalid(space, 0).await
    })
    .await
}

/// Waits until the metrics say so of the workload.
async fn until_invalid(space: &Space, expect: i64) -> Result<()> {
    wait_for(&format!("hooked_workload_invalid is {expect}"), async || {
        let served = space.metrics().await?.count("hooked_workload_invalid", &[("workload", "web")]);
        Ok(if served == expect { Ok(()) } else { Err(format!("{served}")) })
    })
    .await
}

#[tokio::test]
async fn a_port_that_is_none_is_shown_with_its_path() -> Result<()> {
    check_refused("port", "spec.containers[0].ports[0].containerPort", |workload| {
        workload.pod_with(
            "containers",
            json!([{
                "name": "web", "image": "busybox", "ports": [{"containerPort": 99_999}],
            }]),
        )
    })
    .await
}

#[tokio::test]
async fn a_mount_of_an_unknown_volume_is_shown_with_its_path() -> Result<()> {
    check_refused("volume", "spec.containers[0].volumeMounts[0].name", |workload| {
        workload.pod_with("containers", json!([{
            "name": "web", "image": "busybox", "volumeMounts": [{"name": "nothing", "mountPath": "/data"}],
        }]))
    })
    .await
}

#[tokio::test]
async fn a_misspelt_field_is_shown_with_its_path() -> Result<()> {
    check_refused("misspelt", "spec.containers[0].imagee", |workload| {
        workload.pod_with("containers", json!([{"name": "web", "image": "busybox", "imagee": "nginx"}]))
    })
    .await
}

#[tokio::test]
async fn a_field_that_is_misspelt_later_keeps_the_pods_that_run() -> Result<()> {
    in_namespace("misspelt-update", Security::Baseline, async |space| {
        space.apply(&web().replicas(2)).await?;
        space.until_ready("web").await?;
        let uids = async || {
            let pods = space.pods("web").await?;
            ensure!(pods.iter().all(|pod| pod.metadata.deletion_timestamp.is_none()));
            let mut uids: Vec<_> = pods.iter().filter_map(ResourceExt::uid).collect();
            uids.sort();
            Ok(uids)
        };
        let before = uids().await?;
        let container = Container::polite("web").post_start(sh("true")).with("imagee", json!("nginx"));
        space.apply(&Workload::new("web", [container]).replicas(2)).await?;
        let stalled = until_stalled(space, "web").await?;
        ensure!(stalled.message.contains("spec.template.spec.containers[0].imagee"), "{stalled:?}");
        let available = condition(&space.workload("web").await?, "Available").cloned();
        ensure!(available.as_ref().is_some_and(|known| known.status == "True"), "{available:?}");
        ensure!(uids().await? == before, "Pods were replaced");

        space.apply(&web().replicas(2)).await?;
        let workload = space.until_ready("web").await?;
        let stalled = condition(&workload, "Stalled").context("no condition Stalled")?;
        ensure!(stalled.status == "False", "{stalled:?}");
        ensure!(uids().await? == before, "Pods were replaced");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_refused_template_does_not_stop_the_pods_that_run_nor_keep_them_from_being_scaled_and_replaced()
-> Result<()> {
    in_namespace("refused-update", Security::Baseline, async |space| {
        space.apply(&web().replicas(2)).await?;
        let before = space.until_ready("web").await?;
        let broken = web().replicas(2).pod_with("nodeSelector", json!({"no slash is/allowed/twice": "x"}));
        space.apply(&broken).await?;
        let stalled = until_stalled(space, "web").await?;
        ensure!(stalled.message.contains("spec.template.spec.nodeSelector"), "{stalled:?}");
        let revision = |workload: &HookedWorkload| {
            workload.status.as_ref().and_then(|status| status.current_revision.clone())
        };
        let pods = space.pods("web").await?;
        ensure!(pods.iter().all(|pod| pod.metadata.deletion_timestamp.is_none()) && pods.len() == 2);
        let after = space.workload("web").await?;
        ensure!(revision(&after) == revision(&before), "{:?}", revision(&after));
        let available = condition(&after, "Available").context("no condition Available")?;
        ensure!(available.status == "True", "{available:?}");

        let gone = pods.first().context("no Pod")?.name_any();
        space.kubectl(&["delete", "pod", &gone]).await?;
        space.scale("web", 3).await?;
        let scaled = space
            .until("web", "it is scaled", |workload| {
                workload.status.as_ref().is_some_and(|status| status.available_replicas == 3)
            })
            .await?;
        ensure!(revision(&scaled) == revision(&before), "{:?}", revision(&scaled));
        until_stalled(space, "web").await?;
        space.scale("web", 0).await?;
        space.until_no_pods("web").await
    })
    .await
}

#[tokio::test]
async fn a_cpu_that_is_a_fruit_is_refused_at_admission_with_its_path() -> Result<()> {
    in_namespace("fruit", Security::Baseline, async |space| {
        let container = Container::polite("web").with("resources", json!({"requests": {"cpu": "banana"}}));
        let refused = space.apply(&Workload::new("web", [container])).await;
        let words = format!("{:#}", refused.err().context("the API server took it")?);
        ensure!(words.contains("spec.template.spec.containers[0].resources.requests.cpu"), "{words}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_is_told_so_and_hurts_no_other() -> Result<()> {
    in_namespace("undecodable", Security::Baseline, async |space| {
        space.apply(&web()).await?;
        space.until_ready("web").await?;
        let before = space.workload("web").await?.status.and_then(|status| status.ledger);
        patch_status(space, "web", undecodable()).await?;
        let stalled = until_stalled(space, "web").await?;
        ensure!(stalled.reason == "Invalid", "{stalled:?}");
        ensure!(stalled.message.contains("status.ledger"), "the message names the field: {stalled:?}");
        until_invalid(space, 1).await?;

        let other = Workload::new("other", [Container::polite("web").post_start(sh("true"))]);
        space.apply(&other.replicas(2)).await?;
        space.until_ready("other").await?;
        let counted = |workload: &HookedWorkload| {
            workload.status.as_ref().is_some_and(|status| status.hook_totals.succeeded == 2)
        };
        space.until("other", "its hooks are counted", counted).await?;

        patch_status(space, "web", json!({"ledger": before})).await?;
        space.scale("web", 2).await?;
        let recovered = space.until_ready("web").await?;
        let stalled = condition(&recovered, "Stalled").context("no condition Stalled")?;
        ensure!(stalled.status == "False", "{stalled:?}");
        until_invalid(space, 0).await
    })
    .await
}

/// A later version has written it, and was rolled back.
#[tokio::test]
async fn values_in_a_status_that_the_operator_does_not_know_stop_nothing() -> Result<()> {
    in_namespace("skew", Security::Baseline, async |space| {
        space.apply(&web()).await?;
        space.until_ready("web").await?;
        let strange = json!({
            "lastHook": null, "kills": [{"reason": "New", "count": 1}],
            "recentRuns": [{"outcome": "New", "duration": "a while", "newer": {"field": 1}}],
            "hookTotals": {"newer": 1},
        });
        patch_status(space, "web", strange).await?;
        space.scale("web", 2).await?;
        space.until_ready("web").await?;
        let pods = space.pods("web").await?;
        space
            .kubectl(&["delete", "pod", &pods.first().context("no Pod")?.name_any(), "--timeout=300s"])
            .await?;
        let counted = |workload: &HookedWorkload| {
            workload.status.as_ref().is_some_and(|status| status.hook_totals.succeeded == 3)
        };
        space.until("web", "the replacement's hook is counted", counted).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_can_still_be_deleted() -> Result<()> {
    check_deletable("unreadable", undecodable()).await
}

#[tokio::test]
async fn a_workload_whose_ledger_a_newer_operator_wrote_can_still_be_deleted() -> Result<()> {
    check_deletable("newer-ledger", json!({"ledger": {"version": 99}})).await
}

async fn check_deletable(name: &str, status: Value) -> Result<()> {
    in_namespace(name, Security::Baseline, async |space| {
        space.apply(&web()).await?;
        space.until_ready("web").await?;
        patch_status(space, "web", status).await?;
        until_stalled(space, "web").await?;
        let deleted = space.kubectl(&["delete", "hw", "web", "--timeout=300s"]).await;
        if deleted.is_err() {
            // Else the namespace could not be removed either, and would say no more than this.
            let patch = r#"{"status": {"ledger": null}}"#;
            space
                .kubectl(&["patch", "hw", "web", "--subresource=status", "--type=merge", "--patch", patch])
                .await?;
        }
        deleted?;
        space.until_no_pods("web").await
    })
    .await
}
