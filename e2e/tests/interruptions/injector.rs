//! The injector's operators are away: Pods start as they are, and are observed when there is one again.

use anyhow::{Result, ensure};
use hooked_crd::{HookKind, HookedWorkload};
use hooked_e2e::{Container, Security, Space, Workload, condition, has_runner, sh, wait_for, with_operator};
use serde_json::json;

use crate::runs;

fn counting(space: &Space) -> Workload {
    let container = Container::polite("web").post_start(sh("echo run >> /witness/started"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

fn is_measured(workload: &HookedWorkload, status: &str) -> bool {
    condition(workload, "Measured").is_some_and(|condition| condition.status == status)
}

#[tokio::test]
async fn without_an_operator_pods_start_as_they_are_and_are_observed_later() -> Result<()> {
    with_operator("injector-away", Security::Privileged, async |space, operator| {
        space.inject("Deployment", &json!({"measurement": "Runner"})).await?;
        operator.stop().await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        space.until_rolled_out("deployment").await?;
        ensure!(!space.pods("web").await?.iter().any(has_runner));

        operator.start().await?;
        let observed = |workload: &HookedWorkload| {
            is_measured(workload, "False") && runs(workload, "web", HookKind::PostStart).unwrap_or(0) == 2
        };
        space.until("web", "the runs are observed", observed).await?;
        space.until_injected("Deployment", &json!({"measurement": "Runner"})).await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        space.until_rolled_out("deployment").await?;
        space.until("web", "hooks are measured", |workload| is_measured(workload, "True")).await?;
        ensure!(space.pods("web").await?.iter().filter(|pod| has_runner(pod)).count() == 2);
        ensure!(space.files.count("started")? == 4);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_operator_that_stands_by_injects_while_another_comes_to_lead() -> Result<()> {
    with_operator("injector-standby", Security::Privileged, async |space, operator| {
        space.inject("Deployment", &json!({"measurement": "Runner"})).await?;
        let leader = operator.leader().await?;
        let _frozen = operator.freeze(&leader)?;
        // Reviews may go to the one that does not answer, for as long as the API server keeps its connection: such a
        // Pod is created as it is.
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        space.until_rolled_out("deployment").await?;
        space.until_injected("Deployment", &json!({"measurement": "Runner"})).await
    })
    .await
}

#[tokio::test]
async fn held_pods_that_end_without_an_operator_are_counted_exactly_when_there_is_one() -> Result<()> {
    with_operator("injector-held", Security::Privileged, async |space, operator| {
        space.inject("Deployment", &json!({"measurement": "Runner", "evidence": "Durable"})).await?;
        let container = Container::polite("web")
            .post_start(sh("echo run >> /witness/started"))
            .pre_stop(sh("echo run >> /witness/stopped; exit 3"));
        let deployment = Workload::new("web", [container]).replicas(3).witnessed(&space.files);
        space.apply_manifest(&deployment.of_kind("apps/v1", "Deployment", &json!({}))).await?;
        space.until_rolled_out("deployment").await?;
        operator.stop().await?;
        space.kubectl(&["scale", "deployment", "web", "--replicas=0"]).await?;
        wait_for("all have ended", async || {
            let stopped = space.files.count("stopped")?;
            Ok(if stopped == 3 { Ok(()) } else { Err(format!("{stopped} have")) })
        })
        .await?;
        ensure!(space.pods("web").await?.len() == 3, "nobody has counted them");
        operator.start().await?;
        space.until_no_pods("web").await?;
        let workload = space.workload("web").await?;
        let counted = |kind| hooked_e2e::hook(&workload, "web", kind);
        let (started, stopped) = (counted(HookKind::PostStart)?, counted(HookKind::PreStop)?);
        ensure!((started.succeeded, started.unknown) == (3, 0), "{:?}", workload.status);
        ensure!((stopped.failed, stopped.unknown) == (3, 0), "{:?}", workload.status);
        Ok(())
    })
    .await
}

/// The operator names an image that no node can pull. Pods that have its runner wait for it, until the operator has
/// understood that.
#[tokio::test]
async fn a_runner_that_cannot_be_pulled_keeps_no_pod_from_starting_for_good() -> Result<()> {
    with_operator("injector-unpulled", Security::Privileged, async |space, operator| {
        operator.run_with(&["--runner-image=hooked.invalid/none:1"]).await?;
        space.inject("Deployment", &json!({"measurement": "Runner"})).await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        let told = |workload: &HookedWorkload| {
            condition(workload, "Measured").is_some_and(|measured| measured.reason == "RunnerCannotRun")
        };
        let workload = space.until("web", "it is told that the runner cannot run", told).await?;
        let words = condition(&workload, "Measured").map(|measured| measured.message.clone());
        ensure!(words.is_some_and(|words| words.contains("cannot be pulled")), "{:?}", workload.status);
        space.until_rolled_out("deployment").await?;
        wait_for("the Pods that waited are gone", async || {
            let pods = space.pods("web").await?;
            let left = pods.iter().filter(|pod| has_runner(pod)).count();
            Ok(if (pods.len(), left) == (2, 0) { Ok(()) } else { Err(format!("{left} of {}", pods.len())) })
        })
        .await?;
        ensure!(space.files.count("started")? == 2, "in the Pods that waited nothing has run");
        // Another template is tried with the runner again, which by then can be pulled.
        operator.restore().await?;
        space.until_injected("Deployment", &json!({"measurement": "Runner"})).await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        space.until_rolled_out("deployment").await?;
        space.until("web", "hooks are measured", |workload| is_measured(workload, "True")).await?;
        ensure!(space.pods("web").await?.iter().filter(|pod| has_runner(pod)).count() == 2);
        Ok(())
    })
    .await
}
