//! The live channel when the operator goes, and when it cannot be reached.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload};
use hooked_e2e::{
    Container, Operator, Security, Space, Workload, agree, condition, hook, kills, sh, wait_for,
    with_operator,
};
use kube::ResourceExt;
use serde_json::json;

use crate::runs;

fn measured(script: &str) -> Workload {
    let container = Container::polite("web").post_start(sh(script));
    Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"}))
}

/// Stops the operator and empties its Secret, so that the next one makes authorities. One that ran on, with other
/// options than that, would make them first: while a Deployment is rolled out the one that stood by may lead.
async fn forget_authorities(space: &Space, operator: &Operator) -> Result<()> {
    operator.stop().await?;
    let empty = r#"[{"op": "remove", "path": "/data"}]"#;
    let secret = ["patch", "secret", "hooked-controller-live", "--type=json", "--patch", empty];
    space.cluster.kubectl(&[&["--namespace", "hooked-system"], &secret[..]].concat()).await?;
    Ok(())
}

#[tokio::test]
async fn every_run_is_counted_once_though_the_operator_dies_while_pods_start() -> Result<()> {
    with_operator("kill-live", Security::Privileged, async |space, operator| {
        let workload = measured("echo run >> /witness/started; sleep 1; echo run >> /witness/ended");
        space.apply(&workload.replicas(8).witnessed(&space.files)).await?;
        space.files.until_lines("started", 2).await?;
        operator.kill().await?;
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.succeeded == 8)
        };
        space.until("web", "all postStarts are counted", counted).await?;
        operator.kill().await?;
        let workload = space.until_stopped("web").await?;
        ensure!(runs(&workload, "web", HookKind::PostStart)? == space.files.count("started")?);
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(post_start.duration.count == space.files.count("ended")?, "{post_start:?}");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn certificates_are_renewed_while_pods_start_and_pods_that_live_on_are_told() -> Result<()> {
    with_operator("renewed", Security::Privileged, async |space, operator| {
        operator.run_with(&["--live-authority-seconds=60", "--live-certificate-seconds=15"]).await?;
        forget_authorities(space, operator).await?;
        operator.start().await?;
        space.apply(&measured("sleep 2").replicas(1)).await?;
        space.until_ready("web").await?;
        let first = space.pods("web").await?.first().context("no Pod")?.clone();
        let known = first.annotations().get("hooked.dev/live-ca").context("no live channel")?.clone();
        let name = first.name_any();
        // One authority ends and another takes its place, while one Pod after the other starts.
        let mut replicas = 1;
        wait_for("the first Pod is told of another authority alone", async || {
            replicas += 1;
            space.scale("web", replicas).await?;
            space.until_ready("web").await?;
            let pods = space.pods("web").await?;
            let pod = pods.iter().find(|pod| pod.name_any() == name).context("the first Pod is gone")?;
            let told = pod.annotations().get("hooked.dev/live-ca").cloned().unwrap_or_default();
            Ok(if told.contains(&known) { Err(format!("{replicas} replicas")) } else { Ok(()) })
        })
        .await?;
        let counted = |workload: &HookedWorkload| {
            let known = hook(workload, "web", HookKind::PostStart);
            known.is_ok_and(|known| known.succeeded == i64::from(replicas))
        };
        space.until("web", "every postStart is counted", counted).await?;
        forget_authorities(space, operator).await?;
        operator.restore().await?;
        let workload = space.until_stopped("web").await?;
        let known = hook(&workload, "web", HookKind::PostStart)?;
        // Heard of or not: each is counted once, and so is how long it took.
        let measured = known.duration.count;
        ensure!(known.succeeded == i64::from(replicas) && measured == i64::from(replicas), "{known:?}");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_channel_that_pods_cannot_reach_is_said_and_taken_back() -> Result<()> {
    with_operator("unreachable", Security::Privileged, async |space, operator| {
        // What a network policy would do: nothing answers there.
        operator.run_with(&["--live-advertise-address=192.0.2.1:8443"]).await?;
        space.apply(&measured("sleep 0.1")).await?;
        let said = |workload: &HookedWorkload| {
            condition(workload, "Measured").is_some_and(|measured| measured.reason == "LiveReportsMissing")
        };
        let settled = |workload: &HookedWorkload, replicas: u32| {
            let counted = hook(workload, "web", HookKind::PostStart);
            counted.is_ok_and(|counted| counted.succeeded == i64::from(replicas))
        };
        // An operator that has just begun to listen is not asked for what it has not heard: one run may not suffice.
        let mut replicas = 1;
        let workload = wait_for("it is said", async || {
            let workload =
                space.until("web", "its hooks are counted", |workload| settled(workload, replicas)).await?;
            if said(&workload) {
                return Ok(Ok(workload));
            }
            replicas += 1;
            space.scale("web", replicas).await?;
            Ok(Err(format!("{replicas} replicas")))
        })
        .await?;
        let measured = condition(&workload, "Measured").context("no condition")?;
        ensure!(measured.status == "False" && measured.message.contains("192.0.2.1:8443"), "{measured:?}");
        operator.restore().await?;
        // A hook's end has 100 ms to arrive: on a busy node one may not suffice for that either.
        wait_for("it is taken back", async || {
            replicas += 1;
            space.scale("web", replicas).await?;
            let workload =
                space.until("web", "its hooks are counted", |workload| settled(workload, replicas)).await?;
            Ok(if said(&workload) { Err(format!("{replicas} replicas")) } else { Ok(()) })
        })
        .await?;
        let workload = space.until_stopped("web").await?;
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == i64::from(replicas));
        agree(space, "web").await
    })
    .await
}
