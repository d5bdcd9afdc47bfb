//! What becomes of preStop hooks, and why containers were killed, when Pods are stopped.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HandlerKind, HookKind, HookedWorkload, KillReason, Outcome};
use hooked_e2e::{Container, Security, Space, Workload, agree, hook, in_namespace, kills, sh};
use serde_json::json;

/// Runs a workload of one container until it is ready, stops it, and returns what is told of it. Its grace period is
/// not shortened where a scenario waits for its end: the hook must begin in it, on a busy node too.
async fn run_and_stop(space: &Space, container: Container) -> Result<HookedWorkload> {
    space.apply(&Workload::new("web", [container]).witnessed(&space.files)).await?;
    space.until_ready("web").await?;
    let workload = space.until_stopped("web").await?;
    agree(space, "web").await?;
    Ok(workload)
}

/// The outcome of the only run of the preStop hook.
fn outcome(workload: &HookedWorkload) -> Result<Outcome> {
    let status = workload.status.as_ref().context("no status")?;
    let runs: Vec<_> = status.recent_runs.iter().filter(|run| run.hook == HookKind::PreStop).collect();
    ensure!(runs.len() == 1, "{runs:?}");
    let counted = hook(workload, "web", HookKind::PreStop)?;
    let of_its_kind = match runs[0].outcome {
        Outcome::Failed => counted.failed,
        Outcome::TimedOut => counted.timed_out,
        Outcome::Skipped => counted.skipped,
        Outcome::Succeeded => counted.succeeded,
        _ => counted.unknown,
    };
    ensure!(of_its_kind == 1, "recentRuns and hooks differ: {runs:?} {counted:?}");
    Ok(runs[0].outcome)
}

#[tokio::test]
async fn a_pre_stop_that_fails_is_a_failure_and_a_kill() -> Result<()> {
    in_namespace("pre-stop-fails", Security::Privileged, async |space| {
        let hook = sh("echo run >> /witness/stopped; exit 4");
        let workload = run_and_stop(space, Container::polite("web").pre_stop(hook)).await?;
        ensure!(space.files.count("stopped")? == 1);
        ensure!(outcome(&workload)? == Outcome::Failed);
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 1)], "{:?}", kills(&workload));
        let status = workload.status.context("no status")?;
        ensure!(status.hook_totals.failed == 1 && status.hook_totals.kills == 1, "{:?}", status.hook_totals);
        ensure!(status.last_hook.as_deref() == Some("PreStop/Failed"), "{:?}", status.last_hook);
        space.until_event("web", "HookFailed", "PreStop of container web").await?;
        space.until_event("web", "ContainerKilled", "PreStopHookFailed").await
    })
    .await
}

#[tokio::test]
async fn a_pre_stop_that_outlasts_the_grace_period_has_timed_out_and_was_killed_in_it() -> Result<()> {
    in_namespace("pre-stop-hangs", Security::Privileged, async |space| {
        let hook = sh("echo run >> /witness/stopped; sleep 600; echo end >> /witness/stopped");
        let workload = run_and_stop(space, Container::deaf("web").pre_stop(hook)).await?;
        ensure!(space.files.lines("stopped")? == ["run"], "the hook was not cut off");
        ensure!(outcome(&workload)? == Outcome::TimedOut);
        let expected = [(KillReason::GracePeriodExceededInPreStop, 1)];
        ensure!(kills(&workload) == expected, "{:?}", kills(&workload));
        space.until_event("web", "HookTimedOut", "PreStop of container web").await
    })
    .await
}

#[tokio::test]
async fn a_program_that_does_not_stop_is_killed_by_the_grace_period_and_not_by_its_hook() -> Result<()> {
    in_namespace("deaf", Security::Privileged, async |space| {
        let hook = sh("echo run >> /witness/stopped");
        let workload = run_and_stop(space, Container::deaf("web").pre_stop(hook)).await?;
        ensure!(space.files.count("stopped")? == 1);
        ensure!(outcome(&workload)? == Outcome::Unknown, "observed, a preStop that did not fail is Unknown");
        ensure!(kills(&workload) == [(KillReason::GracePeriodExceeded, 1)], "{:?}", kills(&workload));
        let status = workload.status.context("no status")?;
        ensure!(status.hook_totals.kills == 0, "no hook is to blame: {:?}", status.hook_totals);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_sleeping_pre_stop_is_told_apart_by_its_handler() -> Result<()> {
    in_namespace("sleep", Security::Privileged, async |space| {
        let container = Container::polite("web").pre_stop(json!({"sleep": {"seconds": 1}}));
        let workload = run_and_stop(space, container).await?;
        ensure!(hook(&workload, "web", HookKind::PreStop)?.handler == HandlerKind::Sleep);
        let outcome = outcome(&workload)?;
        ensure!([Outcome::Unknown, Outcome::Succeeded].contains(&outcome), "{outcome:?}");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        let metrics = space.metrics().await?;
        ensure!(metrics.count("hooked_hook_runs_total", &[("handler", "Sleep")]) == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn both_containers_of_a_pod_run_their_own_hooks() -> Result<()> {
    in_namespace("two-containers", Security::Privileged, async |space| {
        let container = |name: &str, exit: u8| {
            Container::polite(name)
                .post_start(sh(format!("echo run >> /witness/{name}-started")))
                .pre_stop(sh(format!("echo run >> /witness/{name}-stopped; exit {exit}")))
        };
        let workload = Workload::new("pair", [container("one", 0), container("two", 5)]);
        space.apply(&workload.replicas(2).witnessed(&space.files)).await?;
        space.until_ready("pair").await?;
        let workload = space.until_stopped("pair").await?;
        for (name, failed) in [("one", 0), ("two", 2)] {
            let post_start = hook(&workload, name, HookKind::PostStart)?;
            ensure!(post_start.succeeded == space.files.count(&format!("{name}-started"))?, "{post_start:?}");
            ensure!(post_start.succeeded == 2, "{post_start:?}");
            let pre_stop = hook(&workload, name, HookKind::PreStop)?;
            ensure!(pre_stop.failed == failed, "{pre_stop:?}");
            let runs = pre_stop.failed + pre_stop.unknown + pre_stop.succeeded;
            ensure!(runs == space.files.count(&format!("{name}-stopped"))?, "{pre_stop:?}");
        }
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 2)], "{:?}", kills(&workload));
        agree(space, "pair").await
    })
    .await
}

#[tokio::test]
async fn a_sidecars_hooks_are_counted_as_an_app_containers_are() -> Result<()> {
    in_namespace("sidecar", Security::Privileged, async |space| {
        let sidecar = Container::polite("proxy")
            .post_start(sh("echo run >> /witness/started"))
            .pre_stop(sh("echo run >> /witness/stopped; exit 2"));
        let app = Container::polite("web").pre_stop(sh("echo run >> /witness/web"));
        space.apply(&Workload::new("web", [app]).sidecar(sidecar).witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        ensure!(space.files.count("started")? == 1 && space.files.count("stopped")? == 1);
        ensure!(hook(&workload, "proxy", HookKind::PostStart)?.succeeded == 1);
        ensure!(hook(&workload, "proxy", HookKind::PreStop)?.failed == 1);
        let app = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(app.failed == 0 && app.succeeded + app.unknown == 1, "{app:?}");
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 1)], "{:?}", kills(&workload));
        agree(space, "web").await
    })
    .await
}
