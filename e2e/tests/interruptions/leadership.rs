//! Two operators: one counts, and the other does not, whatever either believes.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hooked_crd::HookKind;
use hooked_e2e::{
    Container, DEADLINE, Operator, Security, Space, Workload, agree, sh, wait_for, with_operator,
};
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

/// How often a leader's end is measured.
const ENDS: u32 = 3;

#[tokio::test]
async fn another_works_when_a_leader_has_ended() -> Result<()> {
    with_operator("lead-ends", Security::Baseline, async |space, operator| {
        space.apply(&Workload::new("web", [Container::polite("web")])).await?;
        space.until_ready("web").await?;
        for (signal, is_asked) in [("SIGKILL", false), ("SIGTERM", true)] {
            let mut waits = Vec::new();
            for end in 0..ENDS {
                waits.push(without_leader(space, operator, is_asked, 1 + (end + 1) % 2).await?);
            }
            waits.sort();
            let median = waits[waits.len() / 2].as_secs_f64();
            // Past the test harness, which shows nothing of a test that passes.
            writeln!(
                std::io::stdout().lock(),
                "from {signal} of the leader to the next one's first status write: {median:.1} s (median of {waits:.1?})"
            )?;
        }
        Ok(())
    })
    .await
}

/// How long it takes from the leader's end until the next one has answered to a change of the workload in its status.
async fn without_leader(
    space: &Space,
    operator: &Operator,
    is_asked: bool,
    replicas: u32,
) -> Result<Duration> {
    operator.end_leader(is_asked).await?;
    let ended = Instant::now();
    space.scale("web", replicas).await?;
    loop {
        let workload = space.workload("web").await?;
        let seen = workload.status.as_ref().and_then(|status| status.observed_generation);
        if seen == workload.metadata.generation {
            break;
        }
        ensure!(ended.elapsed() < DEADLINE, "nobody works after the leader's end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let wait = ended.elapsed();
    space.until_ready("web").await?;
    Ok(wait)
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
