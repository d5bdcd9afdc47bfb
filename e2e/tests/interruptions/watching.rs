//! Pods of others are watched while the operator dies.

use anyhow::{Result, ensure};
use hooked_crd::HookKind;
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, kills, sh, wait_for, with_operator};
use serde_json::json;

use crate::{never_lower, runs};

/// Waits until so many runs of postStart and preStop are counted; hooks have then written as many lines.
async fn until_counted(space: &Space, expect: [i64; 2]) -> Result<()> {
    wait_for("every line is counted", async || {
        let workload = space.workload("watched").await?;
        let of = |kind| runs(&workload, "web", kind).unwrap_or_default();
        let counted = [of(HookKind::PostStart), of(HookKind::PreStop)];
        ensure!(counted[0] <= expect[0] && counted[1] <= expect[1], "{counted:?}, not {expect:?}");
        Ok(if counted == expect { Ok(()) } else { Err(format!("{counted:?}, not {expect:?}")) })
    })
    .await?;
    let lines = [space.files.count("started")?, space.files.count("stopped")?];
    ensure!(lines == expect, "{lines:?} have run, not {expect:?}");
    Ok(())
}

#[tokio::test]
async fn every_run_of_a_watched_deployment_is_counted_once_though_the_operator_dies() -> Result<()> {
    with_operator("kill-watching", Security::Privileged, async |space, operator| {
        let container = Container::polite("web")
            .post_start(sh("echo run >> /witness/started"))
            .pre_stop(sh("echo run >> /witness/stopped; sleep 1"));
        let web = Workload::new("web", [container]).replicas(6).witnessed(&space.files);
        space.apply(&Workload::watching("watched", "apps/v1", "Deployment", "web")).await?;
        space.apply_manifest(&web.of_kind("apps/v1", "Deployment", &json!({}))).await?;
        space.files.until_lines("started", 2).await?;
        operator.kill().await?;
        // Nothing holds these Pods: what comes and goes while no operator looks, nobody knows of.
        until_counted(space, [6, 0]).await?;
        let before = space.metrics().await?;
        space.kubectl(&["rollout", "restart", "deployment/web"]).await?;
        space.files.until_lines("stopped", 1).await?;
        operator.kill().await?;
        space.kubectl(&["rollout", "status", "deployment/web", "--timeout=300s"]).await?;
        until_counted(space, [12, 6]).await?;
        space.kubectl(&["delete", "deployment", "web", "--timeout=300s"]).await?;
        space.until_no_pods("web").await?;
        until_counted(space, [12, 12]).await?;
        let workload = space.workload("watched").await?;
        ensure!(hook(&workload, "web", HookKind::PostStart)?.failed == 0, "{workload:?}");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "watched").await?;
        never_lower(&before, &space.metrics().await?)
    })
    .await
}
