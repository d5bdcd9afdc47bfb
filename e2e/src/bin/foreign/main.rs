//! Measures what Pods of others cost the operator: `cargo xtask test --e2e adoption --keep`, and then, with
//! the variables `HOOKED_E2E_*` of that run, `cargo run --release -p hooked-e2e --bin foreign [PODS] [EVENTS
//! A SECOND] [SECONDS]`.
//!
//! The Pods have a controller and the hash of a template, and are in the namespace of a workload, so every change of
//! them is shown to the operator. The processor time and the memory of the operator are printed, before and after.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks on its standard streams")]

use std::time::Duration;

use anyhow::{Context, Result};

use futures::{StreamExt, TryStreamExt, stream};
use hooked_e2e::{Container, Operator, Security, Space, Usage, Workload, with_operator};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The most requests under way at once.
const PARALLEL: usize = 64;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<u64> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let word = |at: usize, otherwise: u64| words.get(at).copied().unwrap_or(otherwise);
    let (pods, rate, seconds) = (word(0, 20_000), word(1, 500), word(2, 60));
    with_operator("foreign", Security::Baseline, async |space, operator| {
        space.apply(&Workload::new("web", [Container::polite("web")])).await?;
        space.until_ready("web").await?;
        tell("with one workload", operator).await?;
        make(space, pods).await?;
        let before = tell(&format!("with {pods} Pods of others"), operator).await?;
        let began = Instant::now();
        let changed = change(space, pods, rate, seconds).await?;
        let took = began.elapsed().as_secs_f64();
        let used = tell("after the changes", operator).await? - before;
        let each = used * 1e6 / f64::from(u32::try_from(changed)?);
        println!(
            "{changed} changes in {took:.1} s: {:.2} % of a processor, {each:.0} µs each",
            100.0 * used / took
        );
        Ok(())
    })
    .await
}

/// Prints what the operator has used, and returns the seconds of processor time.
async fn tell(when: &str, operator: &Operator) -> Result<f64> {
    let Usage { processor_seconds, own_memory_kib, .. } = Usage::of(&operator.leader().await?)?;
    println!("{when}: {processor_seconds:.2} s of processor time, {own_memory_kib} KiB");
    Ok(processor_seconds)
}

/// Pods that no node ever gets, each with a controller.
async fn make(space: &Space, count: u64) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
    // Whoever is named as the owner must be there, or the garbage collector takes the Pods away.
    let maps: Api<ConfigMap> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let owner = maps.get("kube-root-ca.crt").await?.metadata.uid.context("no UID")?;
    let create = |number: u64| {
        let (pods, owner) = (pods.clone(), owner.clone());
        async move {
            let owner = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": owner, "controller": true,
            });
            let pod = json!({
                "metadata": {
                    "name": format!("api-{number}"), "ownerReferences": [owner],
                    "labels": {"app": "web", "pod-template-hash": "5d4f8c7b9d"},
                },
                "spec": {
                    "schedulerName": "nobody",
                    "containers": [{"name": "api", "image": "api:1", "command": ["serve", "--all"]}],
                },
            });
            pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await.map(drop)?;
            anyhow::Ok(())
        }
    };
    stream::iter(0..count).map(create).buffer_unordered(PARALLEL).try_collect().await
}

/// Changes one Pod after the other, so many a second. Returns how often.
async fn change(space: &Space, count: u64, rate: u64, seconds: u64) -> Result<u64> {
    let pods: Api<Pod> = Api::namespaced(space.cluster.client.clone(), &space.name);
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let ends = Instant::now() + Duration::from_secs(seconds);
    let numbers = stream::unfold((ticks, 0), |(mut ticks, number)| async move {
        let at = ticks.tick().await;
        (at < ends).then_some((number, (ticks, number + 1)))
    });
    let patch = |number: u64| {
        let pods = pods.clone();
        async move {
            let change = json!({"metadata": {"annotations": {"changed": number.to_string()}}});
            let name = format!("api-{}", number % count);
            pods.patch(&name, &PatchParams::default(), &Patch::Merge(change)).await.map(drop)?;
            anyhow::Ok(1)
        }
    };
    numbers.map(patch).buffer_unordered(PARALLEL).try_fold(0, async |sum, one| Ok(sum + one)).await
}
