//! Counting exactly once, whatever becomes of requests and of the process.

use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::{Method, Request};
use serde_json::json;

use crate::simulated::cluster::{Cluster, WORKLOADS};
use crate::simulated::fate::Fate;
use crate::simulated::operator::Operator;

/// Runs that are counted, whatever their outcome.
fn counted(status: &HookedWorkloadStatus) -> i64 {
    let totals = status.hook_totals;
    totals.succeeded + totals.failed + totals.timed_out + totals.cancelled + totals.skipped + totals.unknown
}

/// Has a workload get three Pods and lose them, and waits until nothing is left of them.
async fn live_and_end(cluster: &Cluster) {
    cluster.serve("web", 3).await;
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 0}}));
    cluster.wait("no Pod is left", |world| (world.pods().count() == 0).then_some(())).await;
}

/// Every run that there was is counted once, as it ended.
async fn is_exact(cluster: &Cluster) {
    let really = cluster.wait("the truth", |world| i64::try_from(world.runs().len()).ok()).await;
    assert!(really >= 6, "{really} runs");
    cluster.wait_for_status("web", "all runs are counted", |status| counted(status) >= really).await;
    cluster.wait_for_status("web", "none is counted twice", |status| counted(status) == really).await;
    cluster
        .wait_for_status("web", "all as they ended", |status| status.hook_totals.succeeded == really)
        .await;
}

fn is_write(request: &Request) -> bool {
    request.method != Method::Get && !request.query.contains_key("dryRun")
}

/// Every run counts once though every second write, the nth of those, meets this fate.
async fn check(fate: impl Fn(usize) -> Fate + Send + 'static) {
    let cluster = Cluster::new();
    let mut writes = 0;
    cluster.decide(move |request| {
        writes += usize::from(is_write(request));
        if is_write(request) && writes % 2 == 0 { fate(writes / 2) } else { Fate::Answered }
    });
    let _operator = Operator::start(&cluster, "a", &[]);
    live_and_end(&cluster).await;
    is_exact(&cluster).await;
}

#[tokio::test]
async fn every_run_counts_once_though_every_second_reply_is_lost() {
    check(|_| Fate::ReplyLost).await;
}

#[tokio::test]
async fn every_run_counts_once_though_every_second_write_is_refused() {
    let codes = [500, 409, 429, 504];
    check(move |nth| Fate::Refused(codes[nth % codes.len()])).await;
}

#[tokio::test]
async fn every_run_counts_once_though_the_process_dies_after_every_few_requests() {
    let cluster = Cluster::new();
    let life = async {
        loop {
            let seen = cluster.log().len();
            let operator = Operator::start(&cluster, "a", &[]);
            // A life of eleven requests: lists, and then a few writes.
            cluster.wait("some requests", |world| (world.log.len() >= seen + 11).then_some(())).await;
            operator.crash().await;
        }
    };
    tokio::select! {
        () = life => {}
        () = live_and_end(&cluster) => {}
    }
    let _operator = Operator::start(&cluster, "a", &[]);
    is_exact(&cluster).await;
}
