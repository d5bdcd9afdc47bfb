//! Pods come and go by the thousand: every hook is counted once, and nothing is kept of any.
//!
//! `HOOKED_LIVES=1000000 cargo test --release -p hooked-controller -- --nocapture every_hook_of_many` takes hours.
#![allow(clippy::print_stdout, reason = "its words are figures")]

use std::process::Command;
use std::time::Duration;

use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::heap::HEAP;
use crate::simulated::cluster::{Cluster, EVENTS, WORKLOADS};
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

/// Pods that live at once.
const AT_ONCE: u64 = 100;
/// Lives in all, unless more are asked for: enough to compare two times of six rounds.
const LIVES: u64 = 1500;
/// The operator keeps the last thousand Events about Pods that it does not know. How many of the Events about Pods that
/// are gone come too late depends on the machine, so that there are so many from the beginning.
const UNKNOWN: usize = 1200;
/// What is in use at a moment depends on what is under way: the least of so many rounds is compared.
const ROUNDS: usize = 6;
/// Bytes that may be in use in the end beyond those at the beginning, whatever the number of lives.
const MORE: usize = 256 * 1024;
/// Says that the process is for this test alone.
const ALONE: &str = "HOOKED_LIVES_ALONE";

#[test]
fn every_hook_of_many_lives_is_counted_once_and_nothing_is_kept_of_them() {
    let asked = std::env::var("HOOKED_LIVES").ok().and_then(|lives| lives.parse().ok());
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(live(asked.unwrap_or(LIVES).max(LIVES)));
    }
    // The heap is counted for all threads.
    let name =
        "simulated::tests::lives::every_hook_of_many_lives_is_counted_once_and_nothing_is_kept_of_them";
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let ended = alone.args(["--exact", "--nocapture", name]).env(ALONE, "1").status().unwrap();
    assert!(ended.success(), "{ended}");
}

/// So many Pods are made, run, are deleted and gone.
async fn live(lives: u64) {
    let cluster = Cluster::new();
    for number in 0..UNKNOWN {
        cluster.ask(&Request::create(EVENTS[0], event_of_unknown_pod(number)));
    }
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.ask(&Request::create(WORKLOADS, workload("web", 0)));
    let (rounds, mut in_use, mut runs) = (lives.div_ceil(AT_ONCE), Vec::new(), 0);
    for round in 1..=rounds {
        scale(&cluster, AT_ONCE).await;
        scale(&cluster, 0).await;
        runs += i64::try_from(cluster.shared.world.lock().forget()).unwrap();
        let is_so = |status: &hooked_crd::HookedWorkloadStatus| status.hook_totals.succeeded == runs;
        cluster.wait_for_status("web", "every run is counted", is_so).await;
        let bytes = at_rest().await;
        in_use.push(bytes);
        if round % rounds.div_ceil(10) == 0 || round == rounds {
            println!("{} lives, {runs} runs counted: {bytes} bytes", round * AT_ONCE);
        }
    }
    let status = cluster.shared.world.lock().status(&format!("{WORKLOADS}/web")).unwrap();
    let totals = status.hook_totals;
    assert_eq!((totals.failed, totals.timed_out, totals.cancelled, totals.unknown), (0, 0, 0, 0));
    let least = |rounds: &[usize]| *rounds.iter().min().unwrap();
    // What the first round asks for belongs to the beginning.
    let (early, late) = (least(&in_use[1..=ROUNDS]), least(&in_use[in_use.len() - ROUNDS..]));
    assert!(late <= early + MORE, "{late} bytes at the least after {lives} lives, {early} at the beginning");
}

/// The least of what is in use within a quarter of a second: what is under way at a moment, requests and their answers,
/// comes and goes within it, and takes as much as is looked for.
async fn at_rest() -> usize {
    let mut least = usize::MAX;
    for _ in 0..25 {
        least = least.min(HEAP.current_usage());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    least
}

/// A kubelet's Event about a container of a Pod that nobody has seen.
fn event_of_unknown_pod(number: usize) -> Value {
    let uid = format!("00000000-0000-4000-8000-{number:012}");
    let pod = json!({"kind": "Pod", "namespace": "shop", "name": "gone", "uid": uid, "fieldPath": "spec.containers{app}"});
    let time = "2026-01-01T00:00:00Z";
    json!({
        "metadata": {"name": format!("gone.{number:016x}"), "namespace": "shop"},
        "involvedObject": pod,
        "reason": "Killing",
        "message": "Stopping container app",
        "source": {"component": "kubelet", "host": "n1"},
        "firstTimestamp": time,
        "lastTimestamp": time,
    })
}

async fn scale(cluster: &Cluster, replicas: u64) {
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": replicas}}));
    let is_so =
        |status: &hooked_crd::HookedWorkloadStatus| u64::try_from(status.ready_replicas) == Ok(replicas);
    cluster.wait_for_status("web", "it is scaled", is_so).await;
    if replicas == 0 {
        let is_empty = |world: &crate::simulated::cluster::World| world.pods().next().is_none().then_some(());
        cluster.wait("all Pods are gone", is_empty).await;
    }
}
