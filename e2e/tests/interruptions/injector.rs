//! The injector's operators are away: Pods start as they are, and are observed when there is one again.

use anyhow::{Result, ensure};
use hooked_crd::{HookKind, HookedWorkload};
use hooked_e2e::{Container, Security, Space, Workload, condition, sh, with_operator};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::runs;

fn counting(space: &Space) -> Workload {
    let container = Container::polite("web").post_start(sh("echo run >> /witness/started"));
    Workload::new("web", [container]).replicas(2).witnessed(&space.files)
}

async fn until_rolled_out(space: &Space) -> Result<()> {
    space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await.map(drop)
}

fn has_runner(pod: &Pod) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().any(|volume| volume.name == "hooked-runner")
}

fn is_measured(workload: &HookedWorkload, status: &str) -> bool {
    condition(workload, "Measured").is_some_and(|condition| condition.status == status)
}

#[tokio::test]
async fn without_an_operator_pods_start_as_they_are_and_are_observed_later() -> Result<()> {
    with_operator("injector-away", Security::Privileged, async |space, operator| {
        space.kubectl(&["label", "namespace", &space.name, "hooked.dev/inject=enabled"]).await?;
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        operator.stop().await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        until_rolled_out(space).await?;
        ensure!(!space.pods("web").await?.iter().any(has_runner));

        operator.start().await?;
        let observed = |workload: &HookedWorkload| {
            is_measured(workload, "False") && runs(workload, "web", HookKind::PostStart).unwrap_or(0) == 2
        };
        space.until("web", "the runs are observed", observed).await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        until_rolled_out(space).await?;
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
        space.kubectl(&["label", "namespace", &space.name, "hooked.dev/inject=enabled"]).await?;
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        let known = |workload: &HookedWorkload| condition(workload, "Ready").is_some();
        space.until("web", "the operator knows it", known).await?;
        let leader = operator.leader().await?;
        let _frozen = operator.freeze(&leader)?;
        // One in two reviews may go to the one that does not answer: such a Pod is created as it is.
        space
            .apply_manifest(&counting(space).replicas(6).of_kind("apps/v1", "Deployment", &json!({})))
            .await?;
        until_rolled_out(space).await?;
        let pods = space.pods("web").await?;
        ensure!(pods.len() == 6 && pods.iter().any(has_runner), "{pods:?}");
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
        space.kubectl(&["label", "namespace", &space.name, "hooked.dev/inject=enabled"]).await?;
        space
            .apply(
                &Workload::watching("web", "apps/v1", "Deployment", "web")
                    .with("hooks", json!({"measurement": "Runner"})),
            )
            .await?;
        let known = |workload: &HookedWorkload| condition(workload, "Ready").is_some();
        space.until("web", "the operator knows it", known).await?;
        space.apply_manifest(&counting(space).of_kind("apps/v1", "Deployment", &json!({}))).await?;
        let told = |workload: &HookedWorkload| {
            condition(workload, "Measured").is_some_and(|measured| measured.reason == "RunnerCannotRun")
        };
        let workload = space.until("web", "it is told that the runner cannot run", told).await?;
        let words = condition(&workload, "Measured").map(|measured| measured.message.clone());
        ensure!(words.is_some_and(|words| words.contains("cannot be pulled")), "{:?}", workload.status);
        until_rolled_out(space).await?;
        ensure!(!space.pods("web").await?.iter().any(has_runner));
        ensure!(space.files.count("started")? == 2, "of the Pods that waited nothing has run");
        // Another template is tried with the runner again, which by then can be pulled.
        operator.restore().await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        until_rolled_out(space).await?;
        space.until("web", "hooks are measured", |workload| is_measured(workload, "True")).await?;
        ensure!(space.pods("web").await?.iter().filter(|pod| has_runner(pod)).count() == 2);
        Ok(())
    })
    .await
}
