//! A Pod is held until everything of it is counted.

use hooked_simulation::Request;
use serde_json::json;

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS};
use crate::simulated::fate::{Fate, Sent};
use crate::simulated::operator::Operator;

/// How many preStop runs the last commit before a request has counted.
fn stops_counted(before: &[Sent]) -> i64 {
    let mut commits = before.iter().rev().filter(|sent| sent.has_changed("/status"));
    let hooks = commits.next().map(|sent| sent.body["status"]["hooks"].clone()).unwrap_or_default();
    let of_stop = hooks.as_array().into_iter().flatten().filter(|hook| hook["hook"] == "PreStop");
    of_stop.map(|hook| hook["succeeded"].as_i64().unwrap_or_default()).sum()
}

#[tokio::test]
async fn a_finalizer_goes_only_after_the_commit_that_counts_the_last_run() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 3).await;
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 0}}));
    cluster.wait("no Pod is left", |world| (world.pods().count() == 0).then_some(())).await;
    let log = cluster.log();
    let removals: Vec<usize> = (0..log.len()).filter(|at| log[*at].removes_finalizer()).collect();
    assert_eq!(removals.len(), 3);
    for (nth, at) in (1..).zip(removals) {
        let counted = stops_counted(&log[..at]);
        assert!(counted >= nth, "{nth} Pods are let go where {counted} stops are counted");
    }
}

#[tokio::test]
async fn a_pod_that_is_force_deleted_stays_until_its_runs_are_counted() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    // From here on nothing is committed.
    cluster.decide(
        |request| {
            if request.path.ends_with("/status") { Fate::Refused(500) } else { Fate::Answered }
        },
    );
    let name = cluster.wait("the Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    let path = format!("{PODS}/{}", name.as_str().unwrap());
    cluster.ask(&Request::delete(&*path, Some(json!({"gracePeriodSeconds": 0}))));
    let refused = cluster.log().len();
    let is_refused = |sent: &Sent| sent.path.ends_with("/status") && sent.code == 500;
    cluster
        .wait("a commit is refused", |world| world.log[refused..].iter().any(is_refused).then_some(()))
        .await;
    assert!(cluster.shared.world.lock().server.object(&path).is_some(), "held for its count");
    cluster.decide(|_| Fate::Answered);
    cluster.wait("it is gone", |world| world.server.object(&path).is_none().then_some(())).await;
    cluster
        .wait_for_status("web", "its hooks and those of the next are counted", |status| {
            let totals = status.hook_totals;
            totals.succeeded + totals.unknown + totals.skipped >= 3
        })
        .await;
}
