//! Containers that end while nobody stops their Pod: by themselves, by a probe, by memory, by a failed hook.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HandlerKind, HookKind, HookedWorkload, KillReason};
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, in_namespace, kills, sh};
use serde_json::json;

/// Waits until the container of `web` was killed at least once, stops the workload, and returns what is told of it.
async fn until_killed(space: &Space, workload: Workload) -> Result<HookedWorkload> {
    space.apply(&workload.witnessed(&space.files)).await?;
    space.until("web", "a kill is counted", |workload| !kills(workload).is_empty()).await?;
    let workload = space.until_stopped("web").await?;
    agree(space, "web").await?;
    Ok(workload)
}

/// How many kills were counted, all for this reason.
fn all_for(workload: &HookedWorkload, reason: KillReason) -> Result<i64> {
    match kills(workload)[..] {
        [(only, count)] if only == reason => Ok(count),
        ref others => anyhow::bail!("only {reason:?} was expected: {others:?}"),
    }
}

#[tokio::test]
async fn a_failed_liveness_probe_is_the_reason_of_its_kill() -> Result<()> {
    in_namespace("liveness", Security::Privileged, async |space| {
        let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 2});
        let container = Container::polite("web")
            .with("livenessProbe", probe)
            .pre_stop(sh("echo run >> /witness/stopped"));
        let workload = until_killed(space, Workload::new("web", [container])).await?;
        let count = all_for(&workload, KillReason::LivenessProbeFailed)?;
        // The last stop may be the scenario's own, and of a start that was over before anybody looked no run is told:
        // why that was stopped nobody knows.
        let stops = space.files.count("stopped")?;
        let runs = workload.status.iter().flat_map(|status| &status.recent_runs).count();
        let told = i64::try_from(runs)?;
        ensure!((told - 1..=stops).contains(&count), "{stops} stops, {told} told, {count} kills");
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.unknown + pre_stop.succeeded == stops, "{stops} stops, but {pre_stop:?}");
        ensure!(workload.status.context("no status")?.hook_totals.kills == 0, "no hook is to blame");
        space.until_event("web", "ContainerKilled", "LivenessProbeFailed").await
    })
    .await
}

#[tokio::test]
async fn a_container_that_runs_out_of_memory_is_killed_without_its_hook() -> Result<()> {
    in_namespace("memory", Security::Privileged, async |space| {
        // A string that doubles until it does not fit.
        let container = Container::script("web", "s=0123456789; while true; do s=$s$s; done")
            .with("resources", json!({"limits": {"memory": "24Mi"}}))
            .pre_stop(sh("echo run >> /witness/stopped"));
        let workload = until_killed(space, Workload::new("web", [container])).await?;
        let count = all_for(&workload, KillReason::OomKilled)?;
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        // The scenario's own stop may have come when memory had not yet run out.
        let stopped = space.files.count("stopped")?;
        ensure!(stopped <= 1 && pre_stop.unknown <= 1, "{stopped} stops, but {pre_stop:?}");
        ensure!(stopped <= pre_stop.unknown && pre_stop.failed == 0, "{stopped} stops, but {pre_stop:?}");
        ensure!(pre_stop.skipped + pre_stop.unknown >= count, "{count} kills, but {pre_stop:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_container_that_ends_by_itself_skips_its_hook_and_is_not_killed() -> Result<()> {
    in_namespace("ends", Security::Privileged, async |space| {
        let container = Container::script("web", "echo run >> /witness/ran; sleep 1")
            .pre_stop(sh("echo run >> /witness/stopped"));
        space.apply(&Workload::new("web", [container]).witnessed(&space.files)).await?;
        let skipped = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PreStop).is_ok_and(|counted| counted.skipped >= 1)
        };
        space.until("web", "a skipped run is counted", skipped).await?;
        let workload = space.until_stopped("web").await?;
        let (ran, stopped) = (space.files.count("ran")?, space.files.count("stopped")?);
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.failed == 0 && pre_stop.timed_out == 0, "{pre_stop:?}");
        let runs = pre_stop.skipped + pre_stop.unknown + pre_stop.succeeded;
        ensure!(runs == ran, "{ran} containers have run, {stopped} were stopped, but {pre_stop:?}");
        ensure!(
            pre_stop.unknown + pre_stop.succeeded >= stopped,
            "{stopped} hooks have run, but {pre_stop:?}"
        );
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        agree(space, "web").await
    })
    .await
}

#[tokio::test]
async fn a_refused_http_post_start_kills_its_container() -> Result<()> {
    in_namespace("http", Security::Privileged, async |space| {
        // Port 9 discards, where anybody listens at all.
        let hook_ = json!({"httpGet": {"port": 9, "path": "/"}});
        let workload = Workload::new("web", [Container::polite("web").post_start(hook_)]);
        let workload = until_killed(space, workload).await?;
        let count = all_for(&workload, KillReason::PostStartHookFailed)?;
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(post_start.handler == HandlerKind::HttpGet, "{post_start:?}");
        ensure!(post_start.failed == count && post_start.kills == count, "{post_start:?}");
        let metrics = space.metrics().await?;
        let served =
            metrics.count("hooked_hook_runs_total", &[("handler", "HTTPGet"), ("outcome", "Failed")]);
        ensure!(served == count, "{served} in the metrics, {count} in the status");
        Ok(())
    })
    .await
}
