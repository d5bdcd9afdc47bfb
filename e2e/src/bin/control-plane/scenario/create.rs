//! How fast Pods are made and deleted, what that costs, and what it costs to know them.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use crate::figures::Figures;
use crate::stage::Stage;
use crate::units::{kibibytes, mebibytes, milliseconds};

/// Makes Pods, lets them be, and deletes them.
pub(super) async fn run(stage: &mut Stage, workloads: u32, pods: u32) -> Result<Figures> {
    let total = f64::from(workloads) * f64::from(pods);
    let mut figures = Figures::default();

    let (began, none) = (Instant::now(), stage.used()?);
    stage.create(workloads, pods).await?;
    stage.until_pods(u64::from(workloads) * u64::from(pods)).await?;
    figures.put("creates a second", total / began.elapsed().as_secs_f64());
    let made = stage.until_rest().await?;
    figures.put("controller CPU ms a Pod created", milliseconds(none, made, |used| used.controller) / total);
    figures.put("API server CPU ms a Pod created", milliseconds(none, made, |used| used.api_server) / total);
    figures.put("etcd CPU ms a Pod created", milliseconds(none, made, |used| used.etcd) / total);

    let resting = stage.used()?.controller;
    figures.put("controller MiB with all Pods", mebibytes(resting.memory_kib));
    figures.put("controller MiB at its most", mebibytes(resting.peak_kib));
    let grown = resting.memory_kib.saturating_sub(none.controller.memory_kib);
    figures.put("controller KiB a Pod", kibibytes(grown) / total);

    let (began, before) = (Instant::now(), stage.used()?);
    stage.change(workloads, &json!({"replicas": 0})).await?;
    stage.until_pods(0).await?;
    figures.put("deletes a second", total / began.elapsed().as_secs_f64());
    let gone = stage.until_rest().await?;
    figures
        .put("controller CPU ms a Pod deleted", milliseconds(before, gone, |used| used.controller) / total);
    figures
        .put("API server CPU ms a Pod deleted", milliseconds(before, gone, |used| used.api_server) / total);
    Ok(figures)
}
