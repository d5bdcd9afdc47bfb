//! `kubectl hooked check` on a real cluster: what it says of an installation, and what a Pod of its own shows.

use anyhow::{Context, Result, ensure};
use hooked_e2e::{Security, Space, in_namespace, wait_for};
use serde_json::Value;

/// The report of a check with these arguments, and its exit code.
async fn check(space: &Space, arguments: &[&str]) -> Result<(i32, Value)> {
    let arguments: Vec<&str> = ["check", "-o", "json"].into_iter().chain(arguments.iter().copied()).collect();
    let said = space.hooked(&arguments).await?;
    let report = serde_json::from_str(&said.out).with_context(|| format!("no report: {said:?}"))?;
    Ok((said.code, report))
}

fn finding<'a>(report: &'a Value, check: &str) -> Result<&'a Value> {
    let mut findings = report["findings"].as_array().into_iter().flatten();
    findings.find(|finding| finding["check"] == check).with_context(|| format!("no {check} in {report:#}"))
}

/// The API server lists a Pod for a moment after it has been deleted.
async fn until_no_pod(space: &Space) -> Result<()> {
    wait_for("no Pod of a check is left", async || {
        let left = space.kubectl(&["get", "pods", "-o", "name"]).await?;
        Ok(if left.trim().is_empty() { Ok(()) } else { Err(left) })
    })
    .await
}

#[tokio::test]
async fn an_installation_is_checked_without_writing_anything() -> Result<()> {
    in_namespace("check-reads", Security::Restricted, async |space| {
        let (code, report) = check(space, &[]).await?;
        ensure!(code == 0 && report["installed"] == true, "{code}: {report:#}");
        for known in
            ["ApiServer", "Definition", "Operator", "Leader", "OperatorRights", "LiveChannel", "Policies"]
        {
            let found = finding(&report, known)?;
            ensure!(found["verdict"] == "Ok", "{found:#}");
        }
        ensure!(finding(&report, "RunnerByInitContainer")?["verdict"] == "NotChecked", "{report:#}");
        until_no_pod(space).await
    })
    .await
}

#[tokio::test]
async fn a_pod_shows_that_the_runner_runs_and_reaches_the_operator_and_is_removed() -> Result<()> {
    in_namespace("check-pod", Security::Restricted, async |space| {
        let (code, report) = check(space, &["--with-pod", "--timeout=120s"]).await?;
        for known in ["RunnerByInitContainer", "LiveChannelFromPod", "LeftoverPods"] {
            let found = finding(&report, known)?;
            ensure!(found["verdict"] == "Ok", "{found:#}");
        }
        ensure!(code == 0, "{code}: {report:#}");
        // Nodes of other scenarios may be there for a while that mount no images either.
        let by_image = finding(&report, "RunnerByImageVolume").is_ok();
        ensure!(!by_image || space.cluster.mounts_images().await?, "{report:#}");
        until_no_pod(space).await?;

        let none = ["--with-pod", "--runner-image=hooked.invalid/none:1", "--timeout=120s"];
        let (code, report) = check(space, &none).await?;
        let found = ["RunnerByImageVolume", "RunnerByInitContainer"]
            .into_iter()
            .find_map(|known| finding(&report, known).ok().filter(|found| found["verdict"] == "Problem"));
        let message = found.context("no problem")?["message"].as_str().unwrap_or_default();
        ensure!(code == 1 && message.contains("do not get the image hooked.invalid/none:1"), "{report:#}");
        until_no_pod(space).await
    })
    .await
}
