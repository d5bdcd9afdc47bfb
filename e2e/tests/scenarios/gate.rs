//! Rollouts that stop, or go back, when hooks of the new revision fail.

use anyhow::{Context, Result, ensure};
use hooked_crd::HookedWorkload;
use hooked_e2e::{
    Container, History, Security, Sight, Space, Workload, condition, in_namespace, sh, wait_for,
};
use kube::ResourceExt;
use serde_json::{Value, json};

/// Three Pods, of which none may be missing, whose postStart hook is this script.
fn workload(space: &Space, script: &str, gate: &Value) -> Workload {
    let container = Container::polite("web").post_start(sh(script));
    Workload::new("web", [container])
        .replicas(3)
        .with("strategy", json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}))
        .with("hooks", json!({"rolloutGate": gate}))
        .witnessed(&space.files)
}

/// A hook that fails and leaves a line on the node each time.
const FAILS: &str = "echo failed >> /witness/failed; exit 7";

fn is_gated(workload: &HookedWorkload) -> bool {
    let says = |type_| condition(workload, type_).map(|said| (&*said.status, &*said.reason));
    says("Ready") == Some(("False", "HooksFailing"))
        && says("Progressing") == Some(("False", "HooksFailing"))
        && says("Stalled") == Some(("True", "HooksFailing"))
}

fn serving(moment: &[Sight]) -> usize {
    moment.iter().filter(|pod| pod.ready && !pod.terminating).count()
}

fn current(workload: &HookedWorkload) -> Result<String> {
    workload.status.as_ref().and_then(|status| status.current_revision.clone()).context("no currentRevision")
}

async fn until_gate(space: &Space, closed: i64) -> Result<()> {
    wait_for(&format!("hooked_rollout_gate_closed is {closed}"), async || {
        let served = space.metrics().await?.count("hooked_rollout_gate_closed", &[("workload", "web")]);
        Ok(if served == closed { Ok(()) } else { Err(format!("{served}")) })
    })
    .await
}

#[tokio::test]
async fn a_gate_that_pauses_leaves_the_old_pods_serving_and_replaced() -> Result<()> {
    in_namespace("gate-pause", Security::Privileged, async |space| {
        let gate = || json!({"maxFailures": 1, "onFailure": "Pause"});
        space.apply(&workload(space, "true", &gate())).await?;
        let old = current(&space.until_ready("web").await?)?;
        let history = History::record(space, "web").await;
        space.apply(&workload(space, FAILS, &gate())).await?;
        let gated = space.until("web", "its gate is closed", is_gated).await?;
        let said = condition(&gated, "Stalled").context("no condition Stalled")?;
        ensure!(said.message.contains("PostStart of container web in Pod web-"), "{said:?}");
        ensure!(said.message.contains("exited with 7"), "{said:?}");
        // One failure is borne, the second is one too many; each is counted once, though each kills its container too.
        let counted = gated.status.as_ref().and_then(|status| status.ledger.clone()).context("no ledger")?;
        let failures = counted["gate"]["failures"].as_u64().context("no gate")?;
        let happened = space.files.lines("failed")?.len() as u64;
        ensure!((2..=happened).contains(&failures), "{failures} failures of {happened}");
        space.until_event("web", "HooksFailing", "PostStart of container web").await?;
        until_gate(space, 1).await?;
        let shown = space.hooked(&["status", "web"]).await?.succeeded()?;
        ensure!(shown.contains("HooksFailing") && shown.contains("PostStart of container web"), "{shown}");

        // An old Pod that is lost comes back, of the old revision.
        let lost = space.pods("web").await?;
        let is_old =
            |pod: &&k8s_openapi::api::core::v1::Pod| pod.labels().get("hooked.dev/revision") == Some(&old);
        let lost = lost.iter().find(is_old).context("no old Pod")?.name_any();
        space.kubectl(&["delete", "pod", &lost, "--wait=false"]).await?;
        wait_for("the lost Pod is replaced by one of the old revision", async || {
            let pods = space.pods("web").await?;
            let old: Vec<String> = pods.iter().filter(is_old).map(ResourceExt::name_any).collect();
            let is_back = old.iter().filter(|name| **name != lost).count() == 3;
            Ok(if is_back { Ok(()) } else { Err(format!("{old:?}")) })
        })
        .await?;
        for moment in history.moments() {
            ensure!(serving(&moment) >= 2, "{moment:#?}");
            let others = moment.iter().filter(|pod| pod.revision != old && !pod.terminating).count();
            ensure!(others <= 1, "the rollout has gone on: {moment:#?}");
        }

        // The revision is let through, fails on, and a template that is good is rolled out.
        let failing =
            space.workload("web").await?.status.and_then(|status| status.update_revision).context("none")?;
        let annotation = format!("hooked.dev/open-gate={failing}");
        space.kubectl(&["annotate", "hookedworkload", "web", &annotation]).await?;
        space.until("web", "its gate is open", |workload| !is_gated(workload)).await?;
        until_gate(space, 0).await?;
        space.apply(&workload(space, "echo good", &gate())).await?;
        let new = current(&space.until_ready("web").await?)?;
        ensure!(new != old && new != failing);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_gate_that_rolls_back_leaves_the_spec_alone_however_often_it_is_applied() -> Result<()> {
    in_namespace("gate-back", Security::Privileged, async |space| {
        let gate = || json!({"onFailure": "Rollback"});
        let policies = json!([{"failurePolicy": "Ignore"}]);
        let good = |space: &Space| {
            workload(space, "true", &gate())
                .with("hooks", json!({"rolloutGate": gate(), "policies": policies}))
        };
        let failing = |space: &Space| {
            workload(space, FAILS, &gate())
                .with("hooks", json!({"rolloutGate": gate(), "policies": policies}))
        };
        space.apply(&good(space)).await?;
        let old = current(&space.until_ready("web").await?)?;
        let history = History::record(space, "web").await;
        space.apply(&failing(space)).await?;
        let is_back = |workload: &HookedWorkload| {
            let message = condition(workload, "Stalled").map(|said| said.message.clone()).unwrap_or_default();
            is_gated(workload) && message.contains("are back at revision")
        };
        let back = space.until("web", "it is rolled back", is_back).await?;
        let applied = back.metadata.generation;
        // As a GitOps controller does every few minutes.
        for _ in 0..5 {
            space.apply(&failing(space)).await?;
        }
        let still = space.until("web", "it stays as it is", is_back).await?;
        ensure!(still.metadata.generation == applied, "the spec was changed");
        ensure!(current(&still)? == old);
        let status = still.status.context("no status")?;
        ensure!((status.updated_replicas, status.ready_replicas) == (0, 3), "{status:?}");
        for moment in history.moments() {
            ensure!(serving(&moment) >= 3, "{moment:#?}");
        }
        space.apply(&good(space)).await?;
        ensure!(current(&space.until_ready("web").await?)? == old);
        Ok(())
    })
    .await
}
