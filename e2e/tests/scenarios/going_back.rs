//! Back and forth between revisions, by the plugin and by an annotation, and what the plugin tells of many Pods.

use anyhow::{Context, Result, ensure};
use hooked_crd::HookedWorkload;
use hooked_e2e::{Container, Security, Space, Workload, in_namespace, wait_for};
use kube::ResourceExt;
use serde_json::{Value, json};

/// Two Pods that say who they are, and go when they are asked to.
fn web() -> Workload {
    let script = "echo begun; trap 'exit 0' TERM; sleep 100000 & wait";
    Workload::new("web", [Container::script("web", script), Container::polite("side")]).replicas(2).grace(1)
}

/// Has the versions rolled out one after the other, each with its cause.
async fn roll_out(space: &Space, versions: &[&str]) -> Result<()> {
    for version in versions {
        space.apply(&web().version(version)).await?;
        let cause = format!("version {version}");
        let annotation = format!("kubernetes.io/change-cause={cause}");
        space.kubectl(&["annotate", "hw", "web", "--overwrite", &annotation]).await?;
        space.until_ready("web").await?;
        // Of a version that is no more asked for, the operator does not learn the cause.
        wait_for(&format!("the cause of the newest revision is {cause}"), async || {
            let known = history(space).await?;
            let is_known = known.last().is_some_and(|(_, last)| *last == cause);
            Ok(if is_known { Ok(()) } else { Err(format!("{known:?}")) })
        })
        .await?;
    }
    Ok(())
}

/// The version that a workload asks for.
fn version(workload: &HookedWorkload) -> &Value {
    &workload.spec.template.0["metadata"]["annotations"]["version"]
}

/// Waits until a version is asked for and rolled out.
async fn until_version(space: &Space, wanted: &str) -> Result<HookedWorkload> {
    space.until("web", &format!("asks for version {wanted}"), |workload| version(workload) == wanted).await?;
    space.until_ready("web").await
}

/// The numbers of `history` with their causes.
async fn history(space: &Space) -> Result<Vec<(i64, String)>> {
    let told = space.hooked(&["history", "web", "-o", "json"]).await?.succeeded()?;
    let rows: Vec<Value> = serde_json::from_str(&told)?;
    let known = rows.iter().map(|row| {
        let cause = row["changeCause"].as_str().unwrap_or_default().to_owned();
        (row["number"].as_i64().unwrap_or_default(), cause)
    });
    Ok(known.collect())
}

/// Waits until `history` has these numbers with these causes.
async fn until_history(space: &Space, expect: &[(i64, &str)]) -> Result<()> {
    wait_for(&format!("the history is {expect:?}"), async || {
        let known = history(space).await?;
        let is_so = known.iter().map(|(number, cause)| (*number, cause.as_str())).eq(expect.iter().copied());
        Ok(if is_so { Ok(()) } else { Err(format!("{known:?}")) })
    })
    .await
}

#[tokio::test]
async fn undo_goes_back_and_history_numbers_the_revision_anew() -> Result<()> {
    in_namespace("undo", Security::Baseline, async |space| {
        roll_out(space, &["1", "2", "3"]).await?;
        until_history(space, &[(1, "version 1"), (2, "version 2"), (3, "version 3")]).await?;
        let table = space.hooked(&["history", "web"]).await?.succeeded()?;
        let first: Vec<&str> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        let columns =
            ["REVISION", "NAME", "ROLE", "DESIRED", "CURRENT", "READY", "AVAILABLE", "CHANGE-CAUSE"];
        ensure!(first == columns, "{table}");

        let said = space.hooked(&["undo", "web"]).await?.succeeded()?;
        ensure!(said == "hookedworkload.hooked.dev/web rolled back to revision 2\n", "{said}");
        until_version(space, "2").await?;
        until_history(space, &[(1, "version 1"), (3, "version 3"), (4, "version 2")]).await?;
        let shown = space.hooked(&["history", "web", "--revision=4"]).await?.succeeded()?;
        let shown: Value = serde_saphyr::from_str(&shown)?;
        ensure!(shown["template"]["metadata"]["annotations"]["version"] == "2", "{shown:#}");

        let said = space.hooked(&["undo", "web", "--to-revision=1"]).await?.succeeded()?;
        ensure!(said.contains("rolled back to revision 1"), "{said}");
        until_version(space, "1").await?;
        until_history(space, &[(3, "version 3"), (4, "version 2"), (5, "version 1")]).await?;

        let same = space.hooked(&["undo", "web", "--to-revision=5"]).await?.succeeded()?;
        ensure!(same.contains("skipped rollback"), "{same}");
        let none = space.hooked(&["undo", "web", "--to-revision=9"]).await?;
        ensure!(none.code == 1 && none.err.contains("there is no revision 9"), "{none:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_annotation_takes_a_workload_back_and_says_where_it_cannot() -> Result<()> {
    in_namespace("rollback-to", Security::Baseline, async |space| {
        let ask = async |wanted: &str| -> Result<()> {
            let annotation = format!("hooked.dev/rollback-to={wanted}");
            space.kubectl(&["annotate", "hw", "web", "--overwrite", &annotation]).await?;
            let is_gone =
                |workload: &HookedWorkload| !workload.annotations().contains_key("hooked.dev/rollback-to");
            space.until("web", "is not asked any more", is_gone).await?;
            Ok(())
        };
        roll_out(space, &["1", "2"]).await?;
        ask("").await?;
        let back = until_version(space, "1").await?;
        let cause = back.annotations().get("kubernetes.io/change-cause").context("no cause")?;
        ensure!(cause == "version 1", "{cause}");
        space.until_event("web", "RollbackDone", "rolled back to revision 1").await?;
        until_history(space, &[(2, "version 2"), (3, "version 1")]).await?;

        let status = back.status.context("no status")?;
        let name = status.update_revision.context("no updateRevision")?;
        ask("2").await?;
        until_version(space, "2").await?;
        ask(&name).await?;
        until_version(space, "1").await?;

        ask("99").await?;
        space.until_event("web", "RollbackRevisionNotFound", "there is no revision 99").await?;
        ask(&name).await?;
        space.until_event("web", "RollbackTemplateUnchanged", "has already").await?;
        space.hooked(&["pause", "web"]).await?.succeeded()?;
        ask("").await?;
        space.until_event("web", "RollbackRefused", "resume it first").await?;
        let workload = space.workload("web").await?;
        ensure!(version(&workload) == "1", "{:?}", workload.spec.template);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_rollout_is_paused_and_resumed_by_the_plugin() -> Result<()> {
    in_namespace("plugin-pause", Security::Baseline, async |space| {
        roll_out(space, &["1"]).await?;
        let said = space.hooked(&["pause", "web"]).await?.succeeded()?;
        ensure!(said == "hookedworkload.hooked.dev/web paused\n", "{said}");
        let again = space.hooked(&["pause", "web"]).await?;
        ensure!(again.code == 1 && again.err.contains("is already paused"), "{again:?}");
        let undo = space.hooked(&["undo", "web"]).await?;
        ensure!(undo.code == 1 && undo.err.contains("kubectl hooked resume web"), "{undo:?}");
        let said = space.hooked(&["resume", "web"]).await?.succeeded()?;
        ensure!(said == "hookedworkload.hooked.dev/web resumed\n", "{said}");
        let again = space.hooked(&["resume", "web"]).await?;
        ensure!(again.code == 1 && again.err.contains("is not paused"), "{again:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn logs_of_all_pods_are_printed_and_followed() -> Result<()> {
    in_namespace("plugin-logs", Security::Baseline, async |space| {
        space.apply(&web()).await?;
        space.until_ready("web").await?;
        // A program is ready before it has said anything.
        let said = wait_for("both Pods have begun", async || {
            let said = space.hooked(&["logs", "web"]).await?;
            Ok(if said.out.lines().count() == 2 { Ok(said) } else { Err(format!("{said:?}")) })
        })
        .await?;
        ensure!(said.err.contains("container web is shown, out of web, side"), "{said:?}");
        let told = said.succeeded()?;
        let pods = space.pods("web").await?;
        ensure!(pods.len() == 2 && told.lines().count() == 2, "{told}");
        for pod in &pods {
            let line = format!("[pod/{}/web] begun", pod.name_any());
            ensure!(told.contains(&line), "{line:?} is missing in {told}");
        }
        let plain =
            space.hooked(&["logs", "web", "-c", "web", "--prefix=false", "--tail=1"]).await?.succeeded()?;
        ensure!(plain == "begun\nbegun\n", "{plain}");
        let all = space.hooked(&["logs", "web", "--all-containers", "--since=1h"]).await?.succeeded()?;
        ensure!(all.lines().count() == 2, "{all}");
        let none = space.hooked(&["logs", "web", "-c", "db"]).await?;
        ensure!(none.code == 1 && none.err.contains("has no container db: it has web, side"), "{none:?}");

        let pod = pods.first().context("no Pod")?.name_any();
        let write = async || {
            let line = ["exec", &pod, "-c", "web", "--", "sh", "-c", "echo later > /proc/1/fd/1"];
            space.kubectl(&line).await?;
            Ok(())
        };
        let said =
            space.hooked_watching(&["logs", "web", "-f", "-c", "web"], "begun", write, "later").await?;
        ensure!(said.out.contains(&format!("[pod/{pod}/web] later")), "{said:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_list_has_what_needs_attention_first() -> Result<()> {
    in_namespace("plugin-list", Security::Baseline, async |space| {
        for name in ["a", "b"] {
            space.apply(&Workload::new(name, [Container::polite("web")])).await?;
            space.until_ready(name).await?;
        }
        let broken = Workload::new("z", [Container::polite("web").with("image", json!("no such image"))]);
        space.apply(&broken).await?;
        space.kubectl(&["label", "hw", "a", "tier=front"]).await?;
        wait_for("the broken one stands first", async || {
            let told = space.hooked(&["list"]).await?.succeeded()?;
            let names: Vec<&str> =
                told.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
            Ok(if names == ["z", "a", "b"] { Ok(()) } else { Err(told) })
        })
        .await?;
        let chosen = space.hooked(&["list", "-l", "tier=front", "-o", "json"]).await?.succeeded()?;
        let chosen: Vec<Value> = serde_json::from_str(&chosen)?;
        ensure!(
            chosen.len() == 1 && chosen[0]["name"] == "a" && chosen[0]["attention"] == "None",
            "{chosen:?}"
        );
        let all = space.hooked(&["list", "-A"]).await?.succeeded()?;
        ensure!(all.starts_with("NAMESPACE") && all.contains(&space.name), "{all}");
        Ok(())
    })
    .await
}
