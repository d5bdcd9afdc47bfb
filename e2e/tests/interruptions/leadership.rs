//! Two operators: one counts, and the other does not, whatever either believes.

use anyhow::{Result, ensure};
use hooked_crd::HookKind;
use hooked_e2e::{Container, Operator, Security, Space, Workload, agree, sh, wait_for, with_operator};
use serde_json::json;

use crate::runs;

#[tokio::test]
async fn a_leader_that_stood_still_counts_nothing_again_when_it_goes_on() -> Result<()> {
    with_operator("lead-frozen", Security::Privileged, async |space, operator| {
        let container = Container::polite("web")
            .post_start(sh("echo run >> /witness/started"))
            .pre_stop(sh("echo run >> /witness/stopped"));
        let workload = Workload::new("web", [container]).with("hooks", json!({"measurement": "Runner"}));
        space.apply(&workload.replicas(2).witnessed(&space.files)).await?;
        space.until_ready("web").await?;

        depose(space, operator).await?;

        let workload = space.workload("web").await?;
        let lines = (space.files.count("started")?, space.files.count("stopped")?);
        let counted =
            (runs(&workload, "web", HookKind::PostStart)?, runs(&workload, "web", HookKind::PreStop)?);
        ensure!(lines == (2, 2) && counted == lines, "{lines:?} have run, {counted:?} are counted");
        agree(space, "web").await
    })
    .await
}

/// Has the leader stand still until another has counted and forgotten what it remembers, and then go on.
async fn depose(space: &Space, operator: &Operator) -> Result<()> {
    let first = operator.leader().await?;
    let restarts = operator.restarts(&first).await?;
    let frozen = operator.freeze(&first)?;
    space.scale("web", 0).await?;
    space.kubectl(&["delete", "pods", "-l", "app=web", "--wait=false"]).await?;
    let second = operator.until_another_leads(&first).await?;
    space.until_no_pods("web").await?;
    space
        .until("web", "nothing is remembered of Pods that are gone", |workload| {
            let ledger = workload.status.as_ref().and_then(|status| status.ledger.clone());
            ledger.is_some_and(|ledger| ledger["marks"].is_null())
        })
        .await?;
    drop(frozen);
    wait_for("the first leader sees that it is deposed, and ends", async || {
        let now = operator.restarts(&first).await?;
        Ok(if now > restarts { Ok(()) } else { Err(format!("{now} restarts")) })
    })
    .await?;
    ensure!(operator.leader().await? == second, "the Lease has changed hands again");
    Ok(())
}
