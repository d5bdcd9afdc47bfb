//! What the hook-runner adds in every kind of container: exact durations and exit statuses, output, timeouts, retries.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookRunStatus, HookedWorkload, KillReason, Outcome, Source};
use hooked_e2e::{
    Container, Security, Space, Workload, agree, condition, hook, in_namespace, kills, sh, wait_for,
    with_nodes,
};
use serde_json::{Value, json};

/// One replica whose exec hooks run under the runner, with these policies.
fn measured(containers: impl IntoIterator<Item = Container>, policies: &Value) -> Workload {
    Workload::new("web", containers).with("hooks", json!({"policies": policies})).grace(60)
}

/// Runs a workload until it is ready, stops it, and returns what is told of it.
async fn run_and_stop(space: &Space, workload: Workload) -> Result<HookedWorkload> {
    space.apply(&workload.witnessed(&space.files)).await?;
    space.until_ready("web").await?;
    let workload = space.until_stopped("web").await?;
    agree(space, "web").await?;
    Ok(workload)
}

/// The only run of a hook of a container.
fn only_run<'a>(workload: &'a HookedWorkload, container: &str, kind: HookKind) -> Result<&'a HookRunStatus> {
    let runs = workload.status.iter().flat_map(|status| &status.recent_runs);
    let runs: Vec<_> = runs.filter(|run| run.container == container && run.hook == kind).collect();
    let [run] = runs[..] else { anyhow::bail!("{} runs of {kind:?}: {runs:?}", runs.len()) };
    Ok(run)
}

#[tokio::test]
async fn a_hooks_duration_is_measured_and_never_less_than_the_hook_itself_has_seen() -> Result<()> {
    in_namespace("measured", Security::Privileged, async |space| {
        // The monotonic clock of the node, in hundredths of a second.
        let clock = "cut -d ' ' -f 1 /proc/uptime >> /witness/";
        let hook = |file: &str| sh(format!("{clock}{file}; sleep 0.4; {clock}{file}"));
        let container = Container::polite("web").post_start(hook("started")).pre_stop(hook("stopped"));
        let workload = run_and_stop(space, measured([container], &json!([]))).await?;
        for (kind, file) in [(HookKind::PostStart, "started"), (HookKind::PreStop, "stopped")] {
            let times: Vec<f64> =
                space.files.lines(file)?.iter().filter_map(|line| line.parse().ok()).collect();
            let [began, ended] = times[..] else { anyhow::bail!("{file}: {times:?}") };
            let run = only_run(&workload, "web", kind)?;
            let duration = run.duration.context("no duration")?.0.as_secs_f64();
            ensure!(duration >= ended - began - 0.01, "{run:?} against {times:?}");
            ensure!(run.duration_error.is_some_and(|error| error.0.is_zero()), "{run:?}");
            ensure!(run.outcome == Outcome::Succeeded, "{run:?}");
        }
        let stop = only_run(&workload, "web", HookKind::PreStop)?;
        ensure!(
            (stop.source, stop.exit_code, stop.attempts) == (Source::Runner, Some(0), Some(1)),
            "{stop:?}"
        );
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_failing_hook_shows_its_exit_status_and_output_only_if_asked() -> Result<()> {
    in_namespace("exit-status", Security::Privileged, async |space| {
        let failing = |name: &str| Container::polite(name).pre_stop(sh("echo said in vain; exit 42"));
        let policies = json!([{"container": "loud", "outputBytes": 7}]);
        let workload = run_and_stop(space, measured([failing("loud"), failing("quiet")], &policies)).await?;
        for (name, output) in [("loud", "n vain\n"), ("quiet", "")] {
            let run = only_run(&workload, name, HookKind::PreStop)?;
            ensure!((run.outcome, run.exit_code) == (Outcome::Failed, Some(42)), "{run:?}");
            ensure!(run.output == output, "{run:?}");
        }
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 2)], "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_hook_that_takes_too_long_is_ended_with_all_its_processes_and_tried_again() -> Result<()> {
    in_namespace("timeout", Security::Privileged, async |space| {
        // On a busy node the hook takes its time to begin. What survives the first attempt tells so in the second.
        let hook = sh("echo try >> /witness/tries; (trap '' TERM; sleep 18; echo survived >> /witness/tries) & wait; sleep 60");
        let policies = json!([{"hook": "PreStop", "timeoutSeconds": 10, "retries": 1, "retryDelaySeconds": 0}]);
        let workload = run_and_stop(space, measured([Container::polite("web").pre_stop(hook)], &policies)).await?;
        let run = only_run(&workload, "web", HookKind::PreStop)?;
        ensure!((run.outcome, run.attempts) == (Outcome::TimedOut, Some(2)), "{run:?}");
        ensure!(space.files.lines("tries")? == ["try", "try"], "{:?}", space.files.lines("tries")?);
        ensure!(kills(&workload) == [(KillReason::PreStopHookTimedOut, 1)], "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_ignored_failure_is_recorded_and_the_container_lives() -> Result<()> {
    in_namespace("ignored", Security::Privileged, async |space| {
        let container = Container::polite("web").post_start(sh("echo run >> /witness/started; exit 3"));
        let policies = json!([{"failurePolicy": "Ignore"}]);
        let workload = run_and_stop(space, measured([container], &policies)).await?;
        let run = only_run(&workload, "web", HookKind::PostStart)?;
        ensure!((run.outcome, run.exit_code) == (Outcome::Failed, Some(3)), "{run:?}");
        ensure!(space.files.count("started")? == 1, "the container was started again");
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_a_hook_leaves_behind_does_not_hold_up_its_pod() -> Result<()> {
    in_namespace("left-behind", Security::Privileged, async |space| {
        // Stock Kubernetes waits until the child has closed the hook's output, for ever if need be.
        let leaving = sh("(while true; do echo still here; sleep 1; done) & exit 0");
        let container = Container::polite("web").post_start(leaving);
        let workload = run_and_stop(space, measured([container], &json!([]))).await?;
        ensure!(hook(&workload, "web", HookKind::PostStart)?.succeeded == 1);
        ensure!(kills(&workload).is_empty(), "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn hooks_are_measured_under_restricted_pod_security_without_root_or_a_writable_root() -> Result<()> {
    in_namespace("restricted", Security::Restricted, async |space| {
        let security = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        let container = Container::polite("web")
            .with("securityContext", security)
            .post_start(sh("exit 0"))
            .pre_stop(sh("exit 6"));
        let pod_security =
            json!({"runAsNonRoot": true, "runAsUser": 1234, "seccompProfile": {"type": "RuntimeDefault"}});
        let workload = measured([container], &json!([])).pod_with("securityContext", pod_security);
        space.apply(&workload).await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        let run = only_run(&workload, "web", HookKind::PreStop)?;
        ensure!((run.source, run.exit_code) == (Source::Runner, Some(6)), "{run:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_image_without_a_shell_has_its_hooks_measured() -> Result<()> {
    in_namespace("no-shell", Security::Privileged, async |space| {
        // The operator's own image: two programs and nothing else. One waits for input that never comes; it does not
        // hear SIGTERM as process 1, so the grace period ends it.
        let container = Container::nginx("web")
            .with("image", json!("hooked.dev/hooked:dev"))
            .with("command", json!(["/hook-runner", "swallow"]))
            .with("stdin", json!(true))
            .pre_stop(json!({"exec": {"command": ["/hook-runner", "no such task"]}}));
        space.apply(&measured([container], &json!([])).grace(30)).await?;
        space.until_ready("web").await?;
        let workload = space.until_stopped("web").await?;
        let run = only_run(&workload, "web", HookKind::PreStop)?;
        ensure!(
            (run.outcome, run.source, run.exit_code) == (Outcome::Failed, Source::Runner, Some(125)),
            "{run:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn twelve_containers_and_a_sidecar_share_what_the_kubelet_reads_and_each_has_its_exit_code()
-> Result<()> {
    // Those that shells and the kubelet use for something of their own, and those beside them.
    let codes = [0, 1, 2, 125, 126, 127, 128, 130, 137, 143, 254, 255];
    in_namespace("twelve", Security::Privileged, async |space| {
        let container =
            |code: i32| Container::polite(&format!("c{code}")).pre_stop(sh(format!("exit {code}")));
        let side = Container::polite("side").pre_stop(sh("exit 64"));
        let workload = measured(codes.map(container), &json!([])).sidecar(side);
        let workload = run_and_stop(space, workload.with("hooks", json!({"historyLimit": 50}))).await?;
        for (name, code) in
            codes.map(|code| (format!("c{code}"), code)).into_iter().chain([("side".to_owned(), 64)])
        {
            let run = only_run(&workload, &name, HookKind::PreStop)?;
            let outcome = if code == 0 { Outcome::Succeeded } else { Outcome::Failed };
            ensure!(
                (run.outcome, run.exit_code, run.source) == (outcome, Some(code), Source::Runner),
                "{run:?}"
            );
        }
        ensure!(kills(&workload) == [(KillReason::PreStopHookFailed, 12)], "{:?}", kills(&workload));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_the_user_wrote_follows_the_runners_word_and_is_untouched_in_the_workload() -> Result<()> {
    in_namespace("original", Security::Privileged, async |space| {
        let written = sh("exit 0");
        let container =
            Container::polite("web").pre_stop(written.clone()).post_start(json!({"sleep": {"seconds": 1}}));
        space.apply(&measured([container], &json!([]))).await?;
        let workload = space.until_ready("web").await?;
        ensure!(workload.spec.template.0["spec"]["containers"][0]["lifecycle"]["preStop"] == written);
        let pods = space.pods("web").await?;
        let spec = json!(pods.first().context("no Pod")?.spec);
        let lifecycle = &spec["containers"][0]["lifecycle"];
        let command = lifecycle["preStop"]["exec"]["command"].as_array().context("no command")?;
        ensure!(json!(command[2..]) == written["exec"]["command"], "{lifecycle}");
        ensure!(lifecycle["postStart"]["sleep"]["seconds"] == 1, "{lifecycle}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn where_the_runner_cannot_come_in_the_pod_is_observed_and_that_is_said() -> Result<()> {
    in_namespace("unavailable", Security::Privileged, async |space| {
        let container = Container::polite("web").pre_stop(sh("exit 0"));
        let taken = json!([{"name": "hooked-runner", "emptyDir": {}}]);
        let policies = json!([{"hook": "PreStop", "timeoutSeconds": 5}]);
        space.apply(&measured([container], &policies).pod_with("volumes", taken)).await?;
        let workload = space.until_ready("web").await?;
        let measured = hooked_e2e::condition(&workload, "Measured").context("no condition")?;
        ensure!((&*measured.status, &*measured.reason) == ("False", "RunnerUnavailable"), "{measured:?}");
        ensure!(measured.message.contains("spec.hooks.policies[0]"), "{measured:?}");
        ensure!(measured.message.contains("hooked-runner"), "{measured:?}");
        Ok(())
    })
    .await
}

/// A node of another architecture comes while the operator runs, and Pods may land there. What the operator knows of
/// nodes is a moment old, so a workload that is made sooner may still get the runner.
#[tokio::test]
async fn no_runner_comes_to_nodes_of_an_architecture_that_it_is_not_for() -> Result<()> {
    with_nodes(1, async |nodes| {
        in_namespace("other-architecture", Security::Privileged, async |space| {
            let name = nodes.names().await.first().context("no node")?.clone();
            nodes.label(&name, "kubernetes.io/arch", "s390x").await?;
            let container = Container::polite("web").pre_stop(sh("true"));
            let mut manifest = measured([container], &json!([])).manifest().clone();
            nodes.attract(&mut manifest["spec"]["template"]["spec"]);
            space.apply_manifest(&manifest).await?;
            wait_for("the architecture is named", async || {
                let workload = space.workload("web").await?;
                let told = condition(&workload, "Measured").is_some_and(|measured| {
                    (&*measured.status, &*measured.reason) == ("False", "RunnerUnavailable")
                        && measured.message.contains("s390x")
                });
                // What was made before is made anew.
                space.kubectl(&["delete", "pods", "--selector=app=web"]).await?;
                Ok(if told { Ok(()) } else { Err(format!("{:?}", workload.status)) })
            })
            .await?;
            let written = json!({"exec": {"command": ["/bin/sh", "-c", "true"]}});
            wait_for("a Pod has its hook as it is written", async || {
                let pods = space.pods("web").await?.into_iter();
                let alive = pods.filter(|pod| pod.metadata.deletion_timestamp.is_none());
                let alive: Vec<Value> = alive.map(serde_json::to_value).collect::<Result<_, _>>()?;
                let hooks = alive.iter().map(|pod| &pod["spec"]["containers"][0]["lifecycle"]["preStop"]);
                let is_so = !alive.is_empty() && hooks.clone().all(|hook| *hook == written);
                Ok(if is_so { Ok(()) } else { Err(format!("{:?}", hooks.collect::<Vec<_>>())) })
            })
            .await
        })
        .await
    })
    .await
}
