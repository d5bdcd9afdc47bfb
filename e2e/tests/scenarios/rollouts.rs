//! From one revision to the next, within the limits that the strategy sets.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use hooked_crd::HookedWorkload;
use hooked_e2e::{Container, History, Security, Sight, Space, Workload, condition, in_namespace, wait_for};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

/// A program that becomes ready after a moment, so that a rollout has something to wait for.
fn slow() -> Container {
    let script = "trap 'exit 0' TERM; (sleep 1; touch /tmp/ready) & sleep 100000 & wait";
    Container::script("web", script).with("readinessProbe", probe("/tmp/ready"))
}

/// Asks whether there is a file. On a busy node a probe may take its time; what was ready stays so.
fn probe(file: &str) -> Value {
    json!({
        "exec": {"command": ["test", "-e", file]}, "periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 1000,
    })
}

fn rolling(surge: impl Into<Value>, unavailable: impl Into<Value>) -> Value {
    let (surge, unavailable): (Value, Value) = (surge.into(), unavailable.into());
    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}

fn revision(workload: &HookedWorkload) -> Result<String> {
    let status = workload.status.as_ref().context("no status")?;
    status.update_revision.clone().context("no updateRevision")
}

/// Rolls out a second version and checks that no moment has more Pods or fewer ready ones than allowed. A rollout that
/// makes no use of what it may do has not been put to the test: new Pods become ready only when as many Pods are there
/// as may be, and as few are ready.
async fn check(name: &str, wanted: u32, strategy: &Value, most: usize, fewest: usize) -> Result<()> {
    in_namespace(name, Security::Privileged, async |space| {
        let workload = |version: &str| {
            let container =
                Container::polite("web").with("readinessProbe", probe(&format!("/witness/{version}")));
            let workload = Workload::new("web", [container]).replicas(wanted).grace(1);
            workload.with("strategy", strategy.clone()).witnessed(&space.files)
        };
        space.files.touch("1")?;
        space.apply(&workload("1")).await?;
        let before = revision(&space.until_ready("web").await?)?;
        let history = History::record(space, "web").await;
        space.apply(&workload("2")).await?;

        let alive = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && !pod.ended).count();
        let ready = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && pod.ready).count();
        wait_for("the rollout has gone as far as it may", async || {
            let moments = history.moments();
            let last = moments.last().context("nothing was recorded")?;
            let used = (alive(last), ready(last));
            Ok(if used == (most, fewest) { Ok(()) } else { Err(format!("{last:#?}")) })
        })
        .await?;
        space.files.touch("2")?;
        let after = revision(&space.until_ready("web").await?)?;
        ensure!(before != after);
        // The operator counts its own deletions before a watch shows them.
        let moments = wait_for("the rollout is recorded to its end", async || {
            let moments = history.moments();
            let last = moments.last().context("nothing was recorded")?;
            let is_new = |pod: &&Sight| pod.revision == after && pod.ready && !pod.terminating;
            let new = last.iter().filter(is_new).count();
            Ok(if new == wanted as usize && alive(last) == new {
                Ok(moments)
            } else {
                Err(format!("{last:#?}"))
            })
        })
        .await?;
        for moment in &moments {
            ensure!(alive(moment) <= most, "more than {most} Pods: {moment:#?}");
            ensure!(ready(moment) >= fewest, "fewer than {fewest} ready Pods: {moment:#?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_rolling_update_stays_within_numbers() -> Result<()> {
    check("rolling-numbers", 4, &rolling(2, 1), 6, 3).await
}

#[tokio::test]
async fn a_rolling_update_stays_within_percentages() -> Result<()> {
    // A quarter of five: rounded up above, rounded down below.
    check("rolling-percents", 5, &rolling("25%", "25%"), 7, 4).await
}

#[tokio::test]
async fn a_rolling_update_without_surge_makes_room_first() -> Result<()> {
    check("rolling-no-surge", 4, &rolling(0, "50%"), 4, 2).await
}

#[tokio::test]
async fn a_rolling_update_without_unavailability_makes_pods_first() -> Result<()> {
    check("rolling-no-gap", 3, &rolling(1, 0), 4, 3).await
}

#[tokio::test]
async fn recreate_never_has_old_and_new_side_by_side() -> Result<()> {
    in_namespace("recreate", Security::Privileged, async |space| {
        let script = "trap 'sleep 1; echo end $VERSION >> /witness/life; exit 0' TERM; \
                      echo begin $VERSION >> /witness/life; sleep 100000 & wait";
        let workload = |version: &str| {
            let env = json!([{"name": "VERSION", "value": version}]);
            Workload::new("web", [Container::script("web", script).with("env", env)])
                .replicas(2)
                // On a busy node the program takes its time to end, and must not be killed before it has said so.
                .grace(120)
                .with("strategy", json!({"type": "Recreate"}))
                .witnessed(&space.files)
        };
        space.apply(&workload("old")).await?;
        space.until_ready("web").await?;
        // A program that does not yet hear the signal would miss it.
        space.files.until_lines("life", 2).await?;
        space.apply(&workload("new")).await?;
        space.until_ready("web").await?;
        space.files.until_lines("life", 6).await?;
        let life = space.files.lines("life")?;
        ensure!(
            life == ["begin old", "begin old", "end old", "end old", "begin new", "begin new"],
            "{life:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_broken_image_stops_the_rollout_and_the_old_template_brings_the_old_revision_back() -> Result<()> {
    in_namespace("broken", Security::Baseline, async |space| {
        let workload = Workload::new("web", [slow()])
            .replicas(3)
            .grace(1)
            .with("strategy", rolling(1, 1))
            .with("progressDeadlineSeconds", json!(6));
        space.apply(&workload).await?;
        let old = revision(&space.until_ready("web").await?)?;
        let history = History::record(space, "web").await;
        let image = json!([{"name": "web", "image": "hooked.dev/none:1", "imagePullPolicy": "Never"}]);
        space.apply(&workload.clone().pod_with("containers", image)).await?;
        let stalled = space
            .until("web", "is stalled", |workload| {
                condition(workload, "Stalled").is_some_and(|stalled| stalled.status == "True")
            })
            .await?;
        let progressing = condition(&stalled, "Progressing").context("no condition Progressing")?;
        ensure!(
            progressing.status == "False" && progressing.reason == "ProgressDeadlineExceeded",
            "{progressing:?}"
        );
        let ready = condition(&stalled, "Ready").context("no condition Ready")?;
        ensure!(ready.status == "False", "{ready:?}");
        let available = condition(&stalled, "Available").context("no condition Available")?;
        ensure!(available.status == "True", "{available:?}");

        space.apply(&workload).await?;
        let back = revision(&space.until_ready("web").await?)?;
        ensure!(back == old, "{back} is another revision than {old}");
        for moment in history.moments() {
            let serving = moment.iter().filter(|pod| pod.ready && !pod.terminating).count();
            ensure!(serving >= 2, "{moment:#?}");
        }
        ensure!(revisions(space).await?.len() == 2, "two templates are two revisions");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn as_many_old_revisions_are_kept_as_the_limit_says_also_when_it_is_lowered_alone() -> Result<()> {
    in_namespace("history", Security::Baseline, async |space| {
        let kept = async |limit: usize| {
            wait_for(&format!("{limit} old revisions are kept"), async || {
                let stored = revisions(space).await?;
                Ok(if stored.len() == limit + 1 { Ok(()) } else { Err(format!("{stored:?}")) })
            })
            .await
        };
        let workload = Workload::new("web", [Container::polite("web")]);
        let limited = |limit: u32| workload.clone().with("revisionHistoryLimit", json!(limit));
        for version in ["1", "2", "3", "4"] {
            space.apply(&limited(2).version(version)).await?;
            space.until_ready("web").await?;
        }
        kept(2).await?;
        space.apply(&limited(1).version("4")).await?;
        kept(1).await?;
        space.apply(&limited(0).version("5")).await?;
        space.until_ready("web").await?;
        kept(0).await
    })
    .await
}

async fn revisions(space: &Space) -> Result<BTreeSet<String>> {
    let revisions: Api<ControllerRevision> = Api::namespaced(space.cluster.client.clone(), &space.name);
    Ok(revisions.list(&ListParams::default()).await?.iter().map(ResourceExt::name_any).collect())
}

#[tokio::test]
async fn a_paused_workload_is_scaled_with_its_old_template_and_rolled_out_later() -> Result<()> {
    in_namespace("paused", Security::Baseline, async |space| {
        let workload = Workload::new("web", [slow()]).replicas(1).grace(1);
        space.apply(&workload.clone().version("1")).await?;
        let old = revision(&space.until_ready("web").await?)?;
        let history = History::record(space, "web").await;
        let paused = workload.version("2").with("paused", json!(true)).replicas(2);
        space.apply(&paused).await?;
        let scaled = space
            .until("web", "the paused workload is scaled", |workload| {
                workload.status.as_ref().is_some_and(|status| status.ready_replicas == 2)
            })
            .await?;
        let said = |type_| condition(&scaled, type_).map(|said| (&*said.status, &*said.reason));
        ensure!(said("Ready") == Some(("False", "PausedWithChange")), "{:?}", said("Ready"));
        ensure!(said("Progressing") == Some(("Unknown", "DeploymentPaused")), "{:?}", said("Progressing"));
        ensure!(scaled.status.as_ref().is_some_and(|status| status.updated_replicas == 0), "{scaled:?}");
        let new: Vec<Sight> =
            history.moments().into_iter().flatten().filter(|pod| pod.revision != old).collect();
        ensure!(new.is_empty(), "rolled out though paused: {new:?}");

        space.apply(&paused.with("paused", json!(false))).await?;
        let after = revision(&space.until_ready("web").await?)?;
        ensure!(after != old);
        Ok(())
    })
    .await
}
