//! A controller at rest, and one that is started anew where much is there.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use kube::api::{Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::json;

use crate::figures::Figures;
use crate::requests::Requests;
use crate::stage::{NAMESPACE, Stage, workload};
use crate::units::{mebibytes, milliseconds};

/// For how long nothing happens.
const STEADY: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes Pods, lets them be, kills the controller, changes a workload, and starts the controller.
pub(super) async fn run(stage: &mut Stage, workloads: u32, pods: u32) -> Result<Figures> {
    stage.create(workloads, pods).await?;
    stage.until_pods(u64::from(workloads) * u64::from(pods)).await?;
    stage.until_rest().await?;
    let mut figures = Figures::default();

    let (requests, before) = (Requests::until_now(&stage.client).await?, stage.used()?);
    tokio::time::sleep(STEADY).await;
    let later = Requests::until_now(&stage.client).await?;
    figures.put("writes in a minute of rest", later.writes_since(&requests));
    figures
        .put("controller CPU ms of that minute", milliseconds(before, stage.used()?, |used| used.controller));

    stage.kill_controller();
    let objects = stage.objects(NAMESPACE);
    let change = Patch::Merge(json!({"spec": {"replicas": pods + 1}}));
    let changed = objects.patch(&workload(0), &PatchParams::default(), &change).await?;
    let (generation, version) = (changed.metadata.generation, changed.metadata.resource_version);
    let watched = WatchParams::default().fields(&format!("metadata.name={}", workload(0)));
    let mut events = objects.watch(&watched, &version.context("no version")?).await?.boxed();
    let (requests, began) = (Requests::until_now(&stage.client).await?, Instant::now());
    stage.start_controller()?;
    let told = async {
        while let Some(event) = events.try_next().await? {
            if let WatchEvent::Modified(object) = event
                && object.data["status"]["observedGeneration"].as_i64() == generation
            {
                return Ok(());
            }
        }
        anyhow::bail!("the watch ended")
    };
    tokio::time::timeout(PATIENCE, told).await.context("no status is written")??;
    figures.put("seconds until the first status after a start", began.elapsed().as_secs_f64());
    let rested = stage.until_rest().await?;
    let later = Requests::until_now(&stage.client).await?;
    figures.put("requests a workload of a start", later.since(&requests) / f64::from(workloads));
    figures.put("controller CPU ms of a start", rested.controller.processor_seconds * 1e3);
    figures.put("controller MiB after a start", mebibytes(rested.controller.memory_kib));
    figures.put("controller MiB of a start at its most", mebibytes(stage.used()?.controller.peak_kib));
    Ok(figures)
}
