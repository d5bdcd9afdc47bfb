//! The hook-runner by the other way into Pods, and what its records know of a time that nobody has seen: ten restarts.

use anyhow::{Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, KillReason, Source};
use hooked_e2e::{Container, Security, Workload, agree, hook, kills, sh, with_operator};
use serde_json::json;

#[tokio::test]
async fn by_an_init_container_every_run_is_known_that_nobody_has_seen() -> Result<()> {
    with_operator("away-recorded", Security::Privileged, async |space, operator| {
        operator.run_with(&["--injection=InitContainer"]).await?;
        let container = Container::polite("web")
            .post_start(sh("echo run >> /witness/started; exit 3"))
            .pre_stop(sh("echo run >> /witness/stopped"));
        let workload = Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"}));
        space.apply(&workload.witnessed(&space.files)).await?;
        let counted = |workload: &HookedWorkload| {
            hook(workload, "web", HookKind::PostStart).is_ok_and(|known| known.failed >= 1)
        };
        space.until("web", "a failure is counted", counted).await?;
        let injected = space.pods("web").await?;
        let installer = json!(injected)[0]["spec"]["initContainers"][0]["name"].clone();
        ensure!(installer == "hooked-install", "{installer}");

        operator.stop().await?;
        let seen = space.files.count("started")?;
        space.files.until_lines("started", seen + 10).await?;
        operator.start().await?;
        operator.restore().await?;

        let workload = space.until_stopped("web").await?;
        let lines = space.files.count("started")?;
        let post_start = hook(&workload, "web", HookKind::PostStart)?;
        ensure!(post_start.failed == lines && post_start.unknown == 0, "{lines} have run: {post_start:?}");
        let pre_stop = hook(&workload, "web", HookKind::PreStop)?;
        let stopped = space.files.count("stopped")?;
        ensure!(pre_stop.succeeded == stopped && pre_stop.unknown == 0, "{stopped} have run: {pre_stop:?}");
        ensure!(kills(&workload) == [(KillReason::PostStartHookFailed, lines)], "{:?}", kills(&workload));
        let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
        ensure!(runs.into_iter().all(|run| run.source == Source::Runner));
        agree(space, "web").await
    })
    .await
}
