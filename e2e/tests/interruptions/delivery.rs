//! The ways of the hook-runner into Pods: which of them the nodes' Kubernetes allows, and what its records know of ten
//! restarts that nobody has seen.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookedWorkload, KillReason, Source};
use hooked_e2e::{Container, Security, Workload, agree, hook, kills, sh, with_operator};
use serde_json::{Value, json};

/// What is called so in a list of containers, of their statuses, or of volumes.
fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array().into_iter().flatten().find(|one| one["name"] == name)
}

/// The runner of a Pod is mounted from its image where nodes do that, and is copied elsewhere. An init container tries
/// it out where `is_tried`, and has told so.
fn check_delivery(pod: &Value, is_mounted: bool, is_tried: bool) -> Result<()> {
    let volume = named(&pod["spec"]["volumes"], "hooked-runner").context("no volume of the runner")?;
    let way = if is_mounted { "image" } else { "emptyDir" };
    ensure!(volume[way].is_object(), "the runner does not come by {way}: {volume}");
    let Some(container) = named(&pod["spec"]["initContainers"], "hooked-install") else {
        ensure!(!is_tried, "nobody has tried out the runner: {pod}");
        return Ok(());
    };
    ensure!(is_tried, "tried out again: {container}");
    let word = if is_mounted { "check" } else { "install" };
    ensure!(container["command"][1] == word, "{container}");
    let status = named(&pod["status"]["initContainerStatuses"], "hooked-install").context("no status")?;
    let ended = &status["state"]["terminated"];
    ensure!(ended["exitCode"] == 0, "it has not ended well: {ended}");
    let told = ended["message"].as_str().unwrap_or_default();
    ensure!(told.starts_with("hooked.dev/check "), "it has told {ended}");
    Ok(())
}

#[tokio::test]
async fn the_runner_is_tried_out_wherever_it_is_copied_and_where_it_is_mounted_until_it_was_seen_to_run()
-> Result<()> {
    with_operator("tried-out", Security::Privileged, async |space, operator| {
        // What was seen in other scenarios is forgotten.
        operator.stop().await?;
        operator.start().await?;
        let is_mounted = space.cluster.mounts_images().await?;
        for (name, code, is_tried) in [("first", 3, true), ("second", 4, !is_mounted)] {
            let container = Container::polite(name).pre_stop(sh(format!("exit {code}")));
            let hooks = json!({"measurement": "Runner"});
            space.apply(&Workload::new(name, [container]).with("hooks", hooks).grace(60)).await?;
            space.until_ready(name).await?;
            let pods = json!(space.pods(name).await?);
            check_delivery(&pods[0], is_mounted, is_tried)?;
            let workload = space.until_stopped(name).await?;
            let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
            let runs: Vec<_> = runs.map(|run| (run.source, run.exit_code)).collect();
            ensure!(runs == [(Source::Runner, Some(code))], "{runs:?}");
        }
        Ok(())
    })
    .await
}

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
