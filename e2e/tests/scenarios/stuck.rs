//! Hooks that hang are seen while they do.

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookRunStatus, HookedWorkload, Outcome};
use hooked_e2e::{Container, Security, Workload, condition, hook, in_namespace, sh};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

fn running(workload: &HookedWorkload) -> Option<&HookRunStatus> {
    workload.status.as_ref()?.recent_runs.iter().find(|run| run.outcome == Outcome::Running)
}

fn says_stuck(workload: &HookedWorkload) -> Option<&Condition> {
    condition(workload, "HooksHealthy").filter(|said| said.status == "False" && said.reason == "HookStuck")
}

#[tokio::test]
async fn a_post_start_that_keeps_its_pod_from_going_is_said_to_until_it_ends() -> Result<()> {
    in_namespace("stuck-start", Security::Privileged, async |space| {
        let waits = sh("echo run >> /witness/started; until [ -e /witness/go ]; do sleep 0.2; done");
        let workload = Workload::new("web", [Container::polite("web").post_start(waits)]);
        space.apply(&workload.witnessed(&space.files)).await?;
        space.files.until_lines("started", 1).await?;
        let seen =
            space.until("web", "the hook is seen to run", |workload| running(workload).is_some()).await?;
        let run = running(&seen).context("no run")?;
        ensure!(run.hook == HookKind::PostStart && run.start_time.is_some(), "{run:?}");
        ensure!(hook(&seen, "web", HookKind::PostStart)?.running == 1);

        space.scale("web", 0).await?;
        let stuck =
            space.until("web", "it is said to hang", |workload| says_stuck(workload).is_some()).await?;
        let said = says_stuck(&stuck).context("not said")?;
        ensure!(
            said.message.contains("PostStart of container web") && said.message.contains("cannot be deleted")
        );
        space.until_event("web", "HookStuck", "PostStart of container web").await?;
        ensure!(space.pods("web").await?.len() == 1, "its Pod has gone although its hook hangs");

        space.files.touch("go")?;
        space.until_no_pods("web").await?;
        space.until("web", "it no longer hangs", |workload| says_stuck(workload).is_none()).await?;
        let told: Vec<_> =
            space.events("web").await?.into_iter().filter(|(reason, _)| reason == "HookStuck").collect();
        ensure!(told.len() == 1, "it is told once: {told:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pre_stop_that_eats_the_grace_period_is_said_to_before_its_container_is_killed() -> Result<()> {
    in_namespace("stuck-stop", Security::Privileged, async |space| {
        let waits = sh("echo run >> /witness/stopped; until [ -e /witness/go ]; do sleep 0.2; done");
        let workload = Workload::new("web", [Container::polite("web").pre_stop(waits)]).grace(120);
        space.apply(&workload.witnessed(&space.files)).await?;
        space.until_ready("web").await?;
        let pod = space.pods("web").await?.first().context("no Pod")?.name_any();
        // A shorter grace than its own, as a drain may give, and yet long: the condition is there for a fifth of it,
        // and a busy operator takes seconds to say so. The Event stays.
        space.kubectl(&["delete", "pod", &pod, "--wait=false", "--grace-period=100"]).await?;
        space.until_event("web", "HookStuck", "PreStop of container web").await?;
        space.until_event("web", "HookStuck", "terminationGracePeriodSeconds").await?;
        space.files.touch("go")?;
        let workload = space.until_stopped("web").await?;
        let used = workload.status.context("no status")?.grace_used;
        ensure!(used.len() == 1 && used[0].container == "web" && used[0].max_percent >= 80, "{used:?}");
        Ok(())
    })
    .await
}
