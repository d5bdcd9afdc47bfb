//! Several operators in a cluster, each in a namespace of its own, that watch the same workloads.

use hooked_core::accounting::ledger::operator_of;
use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, EVENTS, PODS, WORKLOADS, World};
use crate::simulated::fate::Sent;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

/// The operator that the ledger of the workload `web` names.
fn counts(world: &World) -> Option<String> {
    let workload = world.server.object(&format!("{WORKLOADS}/web"))?;
    operator_of(workload["status"].get("ledger")).map(str::to_owned)
}

/// The notes of the Events that tell that the workload is left to another.
fn told(world: &World) -> Vec<String> {
    let events = EVENTS.iter().flat_map(|path| world.server.objects(path));
    let left = events.filter(|event| event["reason"] == "LeftToAnotherOperator");
    left.filter_map(|event| Some(event["note"].as_str().or(event["message"].as_str())?.to_owned())).collect()
}

/// What somebody has changed of the workload and of its Pods.
fn changes(log: &[Sent], by: &str) -> usize {
    let is_change =
        |sent: &&Sent| sent.by == by && (sent.has_changed("/hookedworkloads/") || sent.has_changed("/pods"));
    log.iter().filter(is_change).count()
}

async fn is_told(cluster: &Cluster, times: usize) -> Vec<String> {
    cluster.wait("it is told", |world| Some(told(world)).filter(|told| told.len() >= times)).await
}

/// Deletes a Pod, and waits until its stop is counted and another serves in its place.
async fn replace_a_pod(cluster: &Cluster, stops: i64) {
    let name = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    cluster.ask(&Request::delete(format!("{PODS}/{}", name.as_str().unwrap()), None));
    cluster
        .wait_for_status("web", "the stop is counted, and its Pod replaced", |status| {
            let hooks = status.hooks.iter().filter(|hook| hook.hook == hooked_crd::HookKind::PreStop);
            status.ready_replicas == 2 && hooks.map(|hook| hook.succeeded).sum::<i64>() == stops
        })
        .await;
}

#[tokio::test]
async fn one_of_two_operators_works_on_a_workload_and_the_other_says_so_once() {
    let cluster = Cluster::new();
    let _first = Operator::start(&cluster, "first", &["--pod-namespace=hooks"]);
    cluster.serve("web", 2).await;
    assert_eq!(counts(&cluster.shared.world.lock()).as_deref(), Some("hooks"));
    let _second = Operator::start(&cluster, "second", &["--pod-namespace=others"]);
    let told = is_told(&cluster, 1).await;
    assert!(told[0].contains("namespace hooks") && told[0].contains("--take-over=hooks"), "{told:?}");
    replace_a_pod(&cluster, 1).await;
    // Whoever changes the spec learns once more why the second does nothing.
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 3}}));
    cluster.wait_for_status("web", "it is scaled", |status| status.ready_replicas == 3).await;
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": "many"}}));
    let says = |condition: &Value| condition["reason"] == "Invalid";
    cluster
        .wait("the first says that it cannot be read", |world| {
            let workload = world.server.object(&format!("{WORKLOADS}/web"))?;
            workload["status"]["conditions"].as_array()?.iter().any(says).then_some(())
        })
        .await;
    assert_eq!(changes(&cluster.log(), "second"), 0);
}

#[tokio::test]
async fn of_operators_that_see_a_workload_at_once_one_takes_it() {
    let cluster = Cluster::new();
    let names = ["a", "b", "c"];
    let flags = names.map(|name| format!("--pod-namespace={name}"));
    let _operators: Vec<Operator> =
        names.iter().zip(&flags).map(|(name, flag)| Operator::start(&cluster, name, &[flag])).collect();
    cluster.ask(&Request::create(WORKLOADS, workload("web", 2)));
    cluster.wait_for_status("web", "its Pods serve", |status| status.ready_replicas == 2).await;
    is_told(&cluster, 2).await;
    replace_a_pod(&cluster, 1).await;
    let (log, counts) = (cluster.log(), counts(&cluster.shared.world.lock()).unwrap());
    let creates = log.iter().filter(|sent| sent.method == Method::Post && sent.has_changed("/pods"));
    let makers: Vec<&str> = creates.map(|sent| &*sent.by).collect();
    assert_eq!(makers, [&*counts; 3], "one makes two Pods, and another for the one that was deleted");
}

#[tokio::test]
async fn an_operator_that_is_told_so_takes_over_with_all_that_was_counted_while_the_other_still_runs() {
    let cluster = Cluster::new();
    let _first = Operator::start(&cluster, "first", &["--pod-namespace=hooks"]);
    cluster.serve("web", 2).await;
    replace_a_pod(&cluster, 1).await;
    let _second = Operator::start(&cluster, "second", &["--pod-namespace=others", "--take-over=hooks"]);
    cluster
        .wait("it is taken over", |world| counts(world).filter(|counts| counts == "others").map(drop))
        .await;
    let told = is_told(&cluster, 1).await;
    assert!(told[0].contains("--take-over=others"), "the first lets go: {told:?}");
    let before = changes(&cluster.log(), "first");
    replace_a_pod(&cluster, 2).await;
    assert_eq!(changes(&cluster.log(), "first"), before);
}
