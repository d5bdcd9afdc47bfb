//! The operator is killed at awkward moments and started again at once.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, KillReason};
use hooked_e2e::{
    Container, History, Security, Space, Workload, agree, hook, kills, sh, wait_for, with_operator,
};
use serde_json::json;

use crate::{never_lower, runs};

fn counting(space: &Space) -> Workload {
    let container = Container::polite("web")
        .post_start(sh("echo run >> /witness/started"))
        .pre_stop(sh("echo run >> /witness/stopped"));
    Workload::new("web", [container]).witnessed(&space.files)
}

fn update_revision(workload: &HookedWorkload) -> Option<String> {
    workload.status.as_ref().and_then(|status| status.update_revision.clone())
}

#[tokio::test]
async fn a_run_that_was_not_settled_when_the_operator_died_is_counted_once() -> Result<()> {
    with_operator("kill-unsettled", Security::Privileged, async |space, operator| {
        space.apply(&counting(space).replicas(2)).await?;
        let early = space.until_ready("web").await?;
        // One of them may have been ready long before the other.
        ensure!(hook(&early, "web", HookKind::PostStart)?.succeeded < 2, "both are settled already");
        operator.kill().await?;
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|counted| counted.succeeded == 2)
        };
        space.until("web", "both postStarts are counted", counted).await?;
        agree(space, "web").await?;
        let before = space.metrics().await?;

        space.scale("web", 0).await?;
        wait_for("a Pod has ended and is held", async || {
            let pods = space.pods("web").await?;
            let ended = |pod: &k8s_openapi::api::core::v1::Pod| {
                pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Succeeded")
            };
            Ok(if pods.iter().any(ended) { Ok(()) } else { Err(json!(pods).to_string()) })
        })
        .await?;
        operator.kill().await?;
        space.until_no_pods("web").await?;
        let workload = space.workload("web").await?;
        ensure!(space.files.count("started")? == 2 && runs(&workload, "web", HookKind::PostStart)? == 2);
        ensure!(space.files.count("stopped")? == 2 && runs(&workload, "web", HookKind::PreStop)? == 2);
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "web").await?;
        never_lower(&before, &space.metrics().await?)
    })
    .await
}

#[tokio::test]
async fn a_rollout_goes_on_within_its_limits_when_the_operator_dies_in_it() -> Result<()> {
    with_operator("kill-rollout", Security::Privileged, async |space, operator| {
        let strategy = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}});
        let workload = counting(space).replicas(4).with("strategy", strategy);
        space.apply(&workload.clone().version("1")).await?;
        let old = update_revision(&space.until_ready("web").await?);
        let history = History::record(space, "web").await;
        space.apply(&workload.clone().version("2")).await?;
        space.until("web", "the rollout has begun", |workload| update_revision(workload) != old).await?;
        operator.kill().await?;
        space.until_ready("web").await?;
        for moment in history.moments() {
            let alive = moment.iter().filter(|pod| !pod.terminating && !pod.ended).count();
            let ready = moment.iter().filter(|pod| !pod.terminating && pod.ready).count();
            ensure!(alive <= 5 && ready >= 3, "{moment:#?}");
        }
        let workload = space.until_stopped("web").await?;
        let lines = (space.files.count("started")?, space.files.count("stopped")?);
        let counted =
            (runs(&workload, "web", HookKind::PostStart)?, runs(&workload, "web", HookKind::PreStop)?);
        ensure!(lines == counted && lines.0 == 8, "{lines:?} have run, {counted:?} are counted");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_deletion_is_completed_when_the_operator_dies_in_it() -> Result<()> {
    with_operator("kill-deletion", Security::Privileged, async |space, operator| {
        space.apply(&counting(space).replicas(3)).await?;
        space.until_ready("web").await?;
        space.kubectl(&["delete", "hw", "web", "--wait=false"]).await?;
        operator.kill().await?;
        space.kubectl(&["wait", "--for=delete", "hw/web", "--timeout=300s"]).await?;
        ensure!(space.pods("web").await?.is_empty(), "the workload is gone before its Pods");
        ensure!(space.files.count("stopped")? == 3, "each preStop has run once");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_template_with_arrows_and_ampersands_can_be_gone_back_to_after_a_restart() -> Result<()> {
    with_operator("kill-back", Security::Privileged, async |space, operator| {
        // Its hooks hold `>`, and its program `&`: what JSON may write in two ways.
        let workload = counting(space);
        space.apply(&workload.clone().version("1")).await?;
        let first = update_revision(&space.until_ready("web").await?).context("no updateRevision")?;
        space.apply(&workload.clone().version("2")).await?;
        space.until_ready("web").await?;
        operator.kill().await?;
        space.apply(&workload.version("1")).await?;
        let back = space.until_ready("web").await?;
        ensure!(update_revision(&back).as_ref() == Some(&first), "{:?}, not {first}", update_revision(&back));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_probe_that_kills_again_and_again_is_named_when_the_kubelet_sends_no_event_of_it_any_more()
-> Result<()> {
    with_operator("kill-probed", Security::Privileged, async |space, _| {
        let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1});
        let container = Container::polite("web")
            .pre_stop(sh("echo run >> /witness/stopped"))
            .with("livenessProbe", probe);
        let workload = Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"}));
        space.apply(&workload.witnessed(&space.files)).await?;
        // The kubelet sends 25 Events of a Pod, and then one in five minutes.
        space.files.until_lines("stopped", 12).await?;
        let workload = space.until_stopped("web").await?;
        let lines = space.files.count("stopped")?;
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.succeeded == lines, "{lines} have run: {pre_stop:?}");
        // Each but the last, if that was asked for. Why one was stopped that was over before anybody looked, nobody
        // can tell.
        let all = kills(&workload);
        let count = |of| all.iter().filter(|(reason, _)| *reason == of).map(|(_, count)| count).sum::<i64>();
        let (named, unknown) = (count(KillReason::LivenessProbeFailed), count(KillReason::Unknown));
        let killed: i64 = all.iter().map(|(_, count)| count).sum();
        ensure!(killed == named + unknown && unknown <= 1, "{all:?}");
        ensure!((lines - 1..=lines).contains(&killed), "{lines} stops: {all:?}");
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn an_operator_that_starts_with_an_unreadable_workload_serves_the_others() -> Result<()> {
    with_operator("kill-unreadable", Security::Privileged, async |space, operator| {
        space.apply(&counting(space)).await?;
        space.apply(&Workload::new("bad", [Container::polite("bad")])).await?;
        space.until_ready("web").await?;
        space.until_ready("bad").await?;
        let run = json!({
            "pod": "p", "podUID": "u", "container": "c", "restartCount": 0, "execution": 1, "hook": "PreStop",
            "handler": "Exec", "outcome": "Succeeded", "source": "Kubelet", "duration": "a while",
        });
        let patch_bad = async |runs: serde_json::Value| {
            let patch = json!({"status": {"recentRuns": runs}}).to_string();
            space
                .kubectl(&["patch", "hw", "bad", "--subresource=status", "--type=merge", "--patch", &patch])
                .await
        };
        patch_bad(json!([run])).await?;
        operator.kill().await?;
        space.scale("web", 2).await?;
        let served = space.until_ready("web").await;
        // Whatever came of it, the namespace can then be removed.
        patch_bad(json!([])).await?;
        ensure!(served?.status.context("no status")?.ready_replicas == 2);
        Ok(())
    })
    .await
}
