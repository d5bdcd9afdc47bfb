//! Pods that run: how long until all are ready, until all are of another template, and until none is left.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kube::api::DynamicObject;
use serde_json::json;

use crate::figures::Figures;
use crate::stage::{Stage, Used, workload};
use crate::units::{mebibytes, milliseconds};

/// How often an object is read. Both kinds tell of their Pods in the same fields.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(900);
/// How many Pods a node takes here: at most four fifths of them are taken, those of two templates at once too.
const PODS_A_NODE: u32 = 400;

/// How many nodes there should be.
pub(super) fn nodes(workloads: u32, pods: u32) -> usize {
    let nodes = (workloads * pods * 3 / 2).div_ceil(PODS_A_NODE).max(2);
    usize::try_from(nodes).unwrap_or(usize::MAX)
}

/// Has Pods started, replaced and stopped on simulated nodes.
pub(super) async fn run(stage: &mut Stage, workloads: u32, pods: u32) -> Result<Figures> {
    let total = f64::from(workloads) * f64::from(pods);
    let mut figures = Figures::default();

    let (began, before) = (Instant::now(), stage.used()?);
    stage.create(workloads, pods).await?;
    until_all(stage, workloads, pods).await?;
    figures.put("seconds until all are ready", began.elapsed().as_secs_f64());
    let after = stage.until_rest().await?;
    put_cost(&mut figures, STARTED, before, after, total);
    figures.put("controller MiB with all ready", mebibytes(after.controller.memory_kib));

    let (began, before) = (Instant::now(), stage.used()?);
    let other = json!({"template": {"metadata": {"annotations": {"version": "2"}}}});
    stage.change(workloads, &other).await?;
    until_all(stage, workloads, pods).await?;
    figures.put("seconds of a rolling update", began.elapsed().as_secs_f64());
    put_cost(&mut figures, REPLACED, before, stage.until_rest().await?, total);

    let (began, before) = (Instant::now(), stage.used()?);
    stage.change(workloads, &json!({"replicas": 0})).await?;
    stage.until_pods(0).await?;
    figures.put("seconds until none is left", began.elapsed().as_secs_f64());
    put_cost(&mut figures, STOPPED, before, stage.until_rest().await?, total);
    Ok(figures)
}

const STARTED: [&str; 2] = ["controller CPU ms a Pod started", "API server CPU ms a Pod started"];
const REPLACED: [&str; 2] = ["controller CPU ms a Pod replaced", "API server CPU ms a Pod replaced"];
const STOPPED: [&str; 2] = ["controller CPU ms a Pod stopped", "API server CPU ms a Pod stopped"];

fn put_cost(figures: &mut Figures, names: [&'static str; 2], before: Used, after: Used, total: f64) {
    figures.put(names[0], milliseconds(before, after, |used| used.controller) / total);
    figures.put(names[1], milliseconds(before, after, |used| used.api_server) / total);
}

/// Waits until every workload has as many Pods as it should, all ready and all of its template.
async fn until_all(stage: &Stage, workloads: u32, pods: u32) -> Result<()> {
    let (objects, began) = (stage.objects(crate::stage::NAMESPACE), Instant::now());
    for number in 0..workloads {
        loop {
            let object = objects.get(&workload(number)).await?;
            if is_complete(&object, pods) {
                break;
            }
            let status = &object.data["status"];
            ensure!(began.elapsed() < PATIENCE, "web-{number} is not complete: {status}");
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

fn is_complete(object: &DynamicObject, pods: u32) -> bool {
    let status = &object.data["status"];
    let seen = status["observedGeneration"].as_i64() == object.metadata.generation;
    let all = |field: &str| status[field] == pods;
    seen && ["replicas", "updatedReplicas", "readyReplicas"].into_iter().all(all)
}
