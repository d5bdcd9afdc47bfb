//! A postStart hook that fails again and again.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HandlerKind, HookKind, HookStatus, KillReason, Outcome, Source};
use hooked_e2e::{Container, Security, Workload, agree, condition, hook, in_namespace, kills, sh};

#[tokio::test]
async fn a_failing_post_start_is_counted_as_often_as_it_ran() -> Result<()> {
    in_namespace("crash-loop", Security::Privileged, async |space| {
        // It takes its time to stop: where it ended in the second in which its hook failed, nobody could tell which of
        // the two was first.
        let container = Container::script("web", "trap 'sleep 2; exit 0' TERM; sleep 100000 & wait")
            .post_start(sh("echo run >> /witness/started; exit 3"))
            .pre_stop(sh("echo run >> /witness/stopped"));
        space.apply(&Workload::new("web", [container]).witnessed(&space.files)).await?;
        space.files.until_lines("started", 3).await?;
        let workload = space.until_stopped("web").await?;

        let (started, stopped) = (space.files.count("started")?, space.files.count("stopped")?);
        let status = workload.status.clone().context("no status")?;
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        // On a busy node the kubelet may tell of a start only when the next is over: of that nobody knows more.
        let HookStatus { failed, succeeded, unknown, .. } = *post_start;
        ensure!(failed + unknown == started && unknown <= 1, "{started} lines, but {post_start:?}");
        ensure!(succeeded == 0 && post_start.kills == failed, "{post_start:?}");
        ensure!(kills(&workload) == [(KillReason::PostStartHookFailed, failed)], "{:?}", status.kills);
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        ensure!(pre_stop.failed == 0 && pre_stop.unknown == stopped, "{stopped} lines, but {pre_stop:?}");
        ensure!(status.hook_totals.failed == failed && status.hook_totals.kills == failed, "{status:?}");

        let mut recent = status.recent_runs.iter();
        let run = recent.find(|run| run.hook == HookKind::PostStart).context("no postStart in recentRuns")?;
        ensure!(
            (run.outcome, run.source, run.handler) == (Outcome::Failed, Source::Kubelet, HandlerKind::Exec)
        );
        ensure!(run.execution == started && i64::from(run.restart_count) == started - 1, "{run:?}");
        ensure!(run.start_time.is_some() && run.duration.is_some(), "{run:?}");
        ensure!(run.message.contains("with 3") || run.message.contains("FailedPostStartHook"), "{run:?}");
        let healthy = condition(&workload, "HooksHealthy").context("no condition HooksHealthy")?;
        ensure!(healthy.status == "False" && healthy.reason == "HookFailed", "{healthy:?}");
        ensure!(healthy.message.contains(&run.pod) && healthy.message.contains("web"), "{healthy:?}");

        space.until_event("web", "HookFailed", "PostStart of container web failed").await?;
        space.until_event("web", "ContainerKilled", "PostStartHookFailed").await?;
        agree(space, "web").await
    })
    .await
}
