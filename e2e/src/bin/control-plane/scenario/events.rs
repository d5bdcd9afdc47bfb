//! What a change of one Pod costs where there are many of the same workload.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::figures::Figures;
use crate::stage::{NAMESPACE, Stage};
use crate::units::milliseconds;

/// Changes a second, and how many in all.
const RATE: u32 = 200;
const EVENTS: u32 = 3000;
const AT_ONCE: usize = 32;

/// Changes the status of one Pod after the other, at a steady rate.
pub(super) async fn run(stage: &mut Stage, workloads: u32, pods: u32) -> Result<Figures> {
    stage.create(workloads, pods).await?;
    stage.until_pods(u64::from(workloads) * u64::from(pods)).await?;
    let api: Api<Pod> = Api::namespaced(stage.client.clone(), NAMESPACE);
    let listed = api.list_metadata(&ListParams::default()).await?;
    let names: Vec<String> = listed.iter().take(EVENTS as usize).map(ResourceExt::name_any).collect();
    stage.until_rest().await?;

    let (began, before) = (Instant::now(), stage.used()?);
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let numbers = stream::unfold((ticks, 0), |(mut ticks, number)| async move {
        ticks.tick().await;
        (number < EVENTS).then_some((number, (ticks, number + 1)))
    });
    let change = |number: u32| {
        let (api, name) = (api.clone(), names[number as usize % names.len()].clone());
        async move {
            let condition = json!({
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": format!("0/0 nodes are available, looked at {number} times"),
            });
            let patch = Patch::Strategic(json!({"status": {"conditions": [condition]}}));
            api.patch_status(&name, &PatchParams::default(), &patch).await.map(drop)
        }
    };
    numbers.map(change).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let took = began.elapsed().as_secs_f64();
    let after = stage.until_rest().await?;
    let mut figures = Figures::default();
    let used = milliseconds(before, after, |used| used.controller);
    figures.put("controller CPU µs an event", used * 1e3 / f64::from(EVENTS));
    figures.put("events a second", f64::from(EVENTS) / took);
    Ok(figures)
}
