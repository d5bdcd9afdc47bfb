//! Everything at once, with the operator killed at moments that nobody has chosen: what hooks have written on the node
//! is what is counted, no run more and none less.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hooked_crd::{HookKind, HookStatus, HookedWorkload, KillReason};
use hooked_e2e::{Container, Operator, Security, Space, Workload, agree, hook, kills, sh, with_operator};
use kube::ResourceExt;
use serde_json::json;

use crate::runs;

/// How long it goes on.
const STORM: Duration = Duration::from_secs(75);

/// Numbers that nobody has chosen, from a seed that a failure tells.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        // Xorshift: good enough to choose moments by.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A workload whose hooks each write a line when they begin.
fn workload(space: &Space, name: &str, container: Container) -> Workload {
    Workload::new(name, [container]).with("hooks", json!({"measurement": "Runner"})).witnessed(&space.files)
}

fn hooks(name: &str, container: Container, then_start: &str, then_stop: &str) -> Container {
    container
        .post_start(sh(format!("echo run >> /witness/{name}-started; {then_start}")))
        .pre_stop(sh(format!("echo run >> /witness/{name}-stopped; {then_stop}")))
}

async fn begin(space: &Space) -> Result<()> {
    let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 3, "failureThreshold": 2});
    let hungry = Container::script("web", "sleep 2; s=0123456789; while true; do s=$s$s; done")
        .with("resources", json!({"limits": {"memory": "24Mi"}}));
    let polite = || Container::polite("web");
    let all = [
        ("calm", hooks("calm", polite(), "true", "true"), 3),
        ("failing", hooks("failing", polite(), "exit 3", "true"), 1),
        ("stopping", hooks("stopping", polite(), "true", "exit 4"), 2),
        ("late", hooks("late", Container::deaf("web"), "true", "sleep 600"), 1),
        ("deaf", hooks("deaf", Container::deaf("web"), "true", "true"), 1),
        ("hungry", hooks("hungry", hungry, "true", "true"), 1),
        ("sick", hooks("sick", polite().with("livenessProbe", probe), "true", "true"), 1),
        ("brief", hooks("brief", Container::script("web", "sleep 3"), "true", "true"), 1),
    ];
    for (name, container, replicas) in all {
        // Some do not stop until the grace period is over. It is not a short one: in it their hooks begin on a busy
        // node too.
        space.apply(&workload(space, name, container).replicas(replicas)).await?;
    }
    Ok(())
}

const NAMES: [&str; 8] = ["calm", "failing", "stopping", "late", "deaf", "hungry", "sick", "brief"];
/// Those whose Pods are deleted at random: what they do when they are stopped is what they are about.
const STOPPED: [&str; 4] = ["calm", "stopping", "late", "deaf"];

/// Deletes Pods and kills the operator until the time is over.
async fn storm(space: &Space, operator: &Operator, chance: &mut Chance) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < STORM {
        let name = STOPPED[usize::try_from(chance.below(4))?];
        let pods = space.pods(name).await?;
        let alive: Vec<_> = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
        if !alive.is_empty() {
            let index = usize::try_from(chance.below(alive.len() as u64))?;
            let pod = alive[index].name_any();
            // It may have gone meanwhile: what a dead operator has made in excess the next one removes.
            space.kubectl(&["delete", "pod", &pod, "--wait=false", "--ignore-not-found"]).await?;
        }
        if chance.below(3) == 0 {
            operator.kill().await?;
        }
        tokio::time::sleep(Duration::from_millis(300 + chance.below(1500))).await;
    }
    Ok(())
}

/// Fails unless as many runs are counted as there are lines. Of starts that were over before anybody looked nobody
/// knows whether their hook ran, and one that was cancelled may not have begun: only those may be more.
fn counted_once(workload: &HookedWorkload, which: HookKind, lines: i64) -> Result<()> {
    let HookStatus { skipped, unknown, cancelled, .. } = *hook(workload, "web", which)?;
    let ran = runs(workload, "web", which)? - skipped;
    ensure!(
        (ran - unknown - cancelled..=ran).contains(&lines),
        "{lines} {which:?} have run, {ran} are counted: {:?}",
        workload.status
    );
    Ok(())
}

fn count(workload: &HookedWorkload, reason: KillReason) -> i64 {
    kills(workload).iter().filter(|(known, _)| *known == reason).map(|(_, count)| count).sum()
}

/// What must be so of a workload of that name, given its hooks.
fn check(name: &str, workload: &HookedWorkload) -> Result<()> {
    let HookStatus { succeeded, failed, timed_out, unknown, .. } = *hook(workload, "web", HookKind::PreStop)?;
    let start = hook(workload, "web", HookKind::PostStart)?;
    let told = format!("{name}: {:?} {:?}", workload.status, kills(workload));
    let well = match name {
        "failing" => {
            start.succeeded == 0
                && count(workload, KillReason::PostStartHookFailed) == start.failed
                && count(workload, KillReason::PreStopHookFailed) == 0
        }
        "stopping" => {
            failed > 0 && succeeded == 0 && count(workload, KillReason::PreStopHookFailed) == failed
        }
        "late" => {
            let in_pre_stop = count(workload, KillReason::GracePeriodExceededInPreStop);
            let killed: i64 = kills(workload).iter().map(|(_, count)| count).sum();
            succeeded == 0 && failed == 0 && unknown == 0 && in_pre_stop == timed_out && killed == in_pre_stop
        }
        "deaf" => {
            let killed: i64 = kills(workload).iter().map(|(_, count)| count).sum();
            let exceeded = count(workload, KillReason::GracePeriodExceeded);
            failed == 0 && timed_out == 0 && unknown == 0 && exceeded == succeeded && killed == exceeded
        }
        "hungry" => count(workload, KillReason::OomKilled) > 0,
        // Each stop is a probe's but the last, which may have been asked for. Why starts were stopped that nobody has
        // seen nobody knows, nor whether those were of which no record tells.
        "sick" => {
            let by_probe = count(workload, KillReason::LivenessProbeFailed);
            let killed: i64 = kills(workload).iter().map(|(_, count)| count).sum();
            let stopped = succeeded + unknown;
            let accounted = (succeeded - 1..=stopped).contains(&killed);
            let known = by_probe + count(workload, KillReason::Unknown) == killed;
            failed == 0 && timed_out == 0 && accounted && known
        }
        "calm" => failed == 0 && timed_out == 0 && unknown == 0 && kills(workload).is_empty(),
        _ => failed == 0 && timed_out == 0,
    };
    ensure!(well, "{told}");
    Ok(())
}

#[tokio::test]
async fn whatever_happens_and_whenever_the_operator_dies_every_run_is_counted_once() -> Result<()> {
    let seed = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & 0xffff_ffff_ffff)?;
    eprintln!("seed {seed}");
    with_operator("chaos", Security::Privileged, async |space, operator| {
        begin(space).await?;
        storm(space, operator, &mut Chance(seed)).await?;
        let mut all = (0, 0);
        for name in NAMES {
            space.scale(name, 0).await?;
        }
        for name in NAMES {
            space.until_no_pods(name).await?;
            let workload = space.workload(name).await?;
            let lines = (
                space.files.count(&format!("{name}-started"))?,
                space.files.count(&format!("{name}-stopped"))?,
            );
            counted_once(&workload, HookKind::PostStart, lines.0).context(name)?;
            counted_once(&workload, HookKind::PreStop, lines.1).context(name)?;
            check(name, &workload)?;
            agree(space, name).await?;
            all = (all.0 + lines.0, all.1 + lines.1);
        }
        eprintln!("{} postStart and {} preStop runs, each counted once", all.0, all.1);
        Ok(())
    })
    .await
}
