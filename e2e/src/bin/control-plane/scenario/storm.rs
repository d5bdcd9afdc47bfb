//! Hooks that fail and fail: a driver shows of Pods what kubelets would, hundreds of times a second, each time a
//! container that its postStart has killed, with the record of its runner.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use hooked_protocol::{Ending, Exit, Hook, Invocation, MAX_LINE, Outcome, Record, RunId, State};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::Pace;
use crate::figures::Figures;
use crate::stage::{NAMESPACE, Stage};
use crate::units::milliseconds;

const AT_ONCE: usize = 64;
/// How long the operator may take to tell of the last failures.
const PATIENCE: Duration = Duration::from_secs(60);

/// A version of a workload that was written: when, how many failures it tells, and its size.
struct Told {
    at: Instant,
    failed: i64,
    bytes: usize,
}

/// Has hooks fail, and measures how soon and in how many writes that is told.
pub(super) async fn run(stage: &mut Stage, workloads: u32, pods: u32, pace: Pace) -> Result<Figures> {
    stage.create(workloads, pods).await?;
    stage.until_pods(u64::from(workloads) * u64::from(pods)).await?;
    let api: Api<Pod> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let listed = api.list(&ListParams::default()).await?;
    stage.until_rest().await?;
    let told = Arc::new(Mutex::new(Vec::new()));
    let watching = tokio::spawn(watch(stage.objects(NAMESPACE), Arc::clone(&told)));

    let (began, before) = (Instant::now(), stage.used()?);
    let mut ticks = interval(Duration::from_secs(1) / pace.rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let ends = began + Duration::from_secs(pace.seconds.into());
    let numbers = stream::unfold((ticks, 0), |(mut ticks, number)| async move {
        ticks.tick().await;
        (Instant::now() < ends).then_some((number, (ticks, number + 1)))
    });
    let fail = |number: usize| {
        let (api, pod) = (api.clone(), listed.items[number % listed.items.len()].clone());
        let instance = u32::try_from(number / listed.items.len() + 1).unwrap_or(u32::MAX);
        async move {
            let patch = Patch::Strategic(json!({"status": failed(&pod, instance)?}));
            api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await?;
            anyhow::Ok(Instant::now())
        }
    };
    // One Pod's failures come in their order: as many Pods as are under way at once are different ones.
    let done: Vec<Instant> =
        numbers.map(fail).buffered(AT_ONCE.min(listed.items.len())).try_collect().await?;
    let seconds = began.elapsed().as_secs_f64();
    let count = done.len();
    let mut figures = Figures::default();
    figures.put("failures a second", ratio(count) / seconds);
    if stage.contender.is_ours() {
        let all = i64::try_from(count)?;
        let deadline = Instant::now() + PATIENCE;
        while !told.lock().is_ok_and(|told| told.last().is_some_and(|last: &Told| last.failed >= all))
            && Instant::now() < deadline
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        watching.abort();
        let told = told.lock().map_err(|_| anyhow::anyhow!("the watch panicked"))?;
        put_told(&mut figures, done, &told, seconds);
    }
    let after = stage.until_rest().await?;
    figures.put(
        "controller CPU µs a failure",
        milliseconds(before, after, |used| used.controller) * 1e3 / ratio(count),
    );
    Ok(figures)
}

fn put_told(figures: &mut Figures, mut done: Vec<Instant>, told: &[Told], seconds: f64) {
    done.sort_unstable();
    let last = told.last().map_or(0, |last| last.failed);
    figures.put("failures that are not told", ratio(done.len()) - ratio(usize::try_from(last).unwrap_or(0)));
    figures.put("writes of workloads a second", ratio(told.len()) / seconds);
    let bytes: usize = told.iter().map(|one| one.bytes).sum();
    figures.put("MiB of workloads written a minute", ratio(bytes) / 1024.0 / 1024.0 / seconds * 60.0);
    let mut next = told.iter().peekable();
    let mut late: Vec<f64> = Vec::new();
    for (number, done) in (1..).zip(&done) {
        while next.next_if(|one| one.failed < number).is_some() {}
        let Some(teller) = next.peek() else { break };
        late.push(teller.at.saturating_duration_since(*done).as_secs_f64());
    }
    late.sort_by(f64::total_cmp);
    if let Some(slow) = late.get(late.len() * 99 / 100) {
        figures.put("seconds until a failure is told, p99", *slow);
    }
}

/// Notes every version of the workloads, with the failures that all of them tell of.
async fn watch(objects: Api<DynamicObject>, told: Arc<Mutex<Vec<Told>>>) -> Result<()> {
    let mut events = objects.watch(&WatchParams::default().timeout(290), "0").await?.boxed();
    let mut failed: BTreeMap<String, i64> = BTreeMap::new();
    while let Some(event) = events.try_next().await? {
        let WatchEvent::Modified(object) = event else { continue };
        let count = object.data["status"]["hookTotals"]["failed"].as_i64().unwrap_or(0);
        failed.insert(object.name_any(), count);
        let one = Told {
            at: Instant::now(),
            failed: failed.values().sum(),
            bytes: serde_json::to_vec(&object)?.len(),
        };
        told.lock().map_err(|_| anyhow::anyhow!("the storm panicked"))?.push(one);
    }
    Ok(())
}

/// The status of a Pod whose container has just been killed for the so-many-th time.
fn failed(pod: &Pod, instance: u32) -> Result<Value> {
    let container = pod.spec.iter().flat_map(|spec| &spec.containers).next().context("no container")?;
    let now = Timestamp::now();
    let second = format!("{now:.0}");
    let message = record(pod, container, instance, now);
    let end = json!({
        "exitCode": 137, "reason": "Error", "startedAt": second, "finishedAt": second, "message": message,
        "containerID": format!("simulated://{}-{instance}", pod.name_any()),
    });
    let wait = json!({"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"});
    Ok(json!({
        "phase": "Running",
        "containerStatuses": [{
            "name": container.name, "image": container.image, "imageID": "", "ready": false, "started": false,
            "restartCount": instance, "state": {"waiting": wait}, "lastState": {"terminated": end},
        }],
    }))
}

/// What the runner of its postStart has left, if it runs under one.
fn record(
    pod: &Pod,
    container: &k8s_openapi::api::core::v1::Container,
    instance: u32,
    now: Timestamp,
) -> Option<String> {
    let command = container.lifecycle.as_ref()?.post_start.as_ref()?.exec.as_ref()?.command.as_ref()?;
    let invocation = Invocation::from_command(command.iter().map(OsString::from))?.ok()?;
    let mut state = State::default();
    for _ in 0..instance {
        let execution = state.begin().ok()?;
        state.end(execution, Outcome::Failed);
    }
    let RunId(mut run) = RunId::from_hex(&pod.uid()?.replace('-', ""))?;
    run[..4].copy_from_slice(&instance.to_be_bytes());
    let ending = Ending {
        outcome: Outcome::Failed,
        exit: Some(Exit::Code(1)),
        duration: 4000,
        attempts: 1,
        message: String::new(),
        output: String::new(),
    };
    let record = Record {
        run: RunId(run),
        container: container.name.clone(),
        hook: Hook::PostStart,
        start: u64::try_from(now.as_microsecond()).ok()?,
        numbering: Some(state.numbering(instance)),
        ending: Some(ending),
    };
    record.to_line(invocation.budget.unwrap_or(MAX_LINE))
}

fn ratio(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
