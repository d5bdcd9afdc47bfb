//! What cannot be done to Pods is told at once, and no longer than it is so.

use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::operator::Operator;

/// Reason and message of the condition that says so, if there is one.
fn failure(status: &HookedWorkloadStatus) -> Option<(String, String)> {
    let mut conditions = status.conditions.iter();
    let known = conditions.find(|known| known.type_ == "ReplicaFailure" && known.status == "True")?;
    Some((known.reason.clone(), known.message.clone()))
}

/// The Events of that reason, with how often each is said to have happened.
fn events(world: &World, reason: &str) -> Vec<String> {
    let all = world.server.objects("/apis/events.k8s.io/v1/namespaces/shop/events");
    let of_reason = all.filter(|event| event["reason"] == reason);
    of_reason.map(|event| event["note"].as_str().unwrap_or_default().to_owned()).collect()
}

fn is_of_pods(request: &Request, method: Method) -> bool {
    let is_dry_run = request.query.contains_key("dryRun");
    request.method == method && request.path.contains("/pods") && !is_dry_run
}

/// Two Pods serve; then requests of that kind meet that fate, and the user asks for the change. The failure is told
/// with these words while it lasts, in a condition and one Event, and the change is carried out when it has gone.
async fn check(
    method: Method,
    fate: Fate,
    change: Value,
    replicas: i32,
    reason: &'static str,
    words: &'static str,
) {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    cluster.decide(move |request| if is_of_pods(request, method) { fate } else { Fate::Answered });
    cluster.merge(&format!("{WORKLOADS}/web"), change);
    cluster
        .wait_for_status("web", "the failure is told", |status| {
            failure(status).is_some_and(|(said, message)| said == reason && message.contains(words))
        })
        .await;
    // Once more, and nothing more is told.
    let tries =
        |world: &World| world.log.iter().filter(|sent| sent.code >= 400 && sent.method == method).count();
    let before = tries(&cluster.shared.world.lock());
    cluster.wait("it is tried again", |world| (tries(world) > before).then_some(())).await;
    let told = events(&cluster.shared.world.lock(), reason);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(words), "{told:?}");
    cluster.decide(|_| Fate::Answered);
    cluster
        .wait_for_status("web", "all is done, and no failure told", |status| {
            failure(status).is_none() && status.ready_replicas == replicas && status.terminating_replicas == 0
        })
        .await;
    cluster
        .wait("as many Pods as are wanted are there", |world| {
            (i32::try_from(world.pods().count()) == Ok(replicas)).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_webhook_that_is_down_is_told_and_its_end() {
    let scaled = json!({"spec": {"replicas": 3}});
    check(Method::Post, Fate::Refused(500), scaled, 3, "FailedCreate", "the test refuses it").await;
}

#[tokio::test]
async fn a_quota_is_told_and_its_end() {
    let scaled = json!({"spec": {"replicas": 4}});
    check(Method::Post, Fate::Refused(403), scaled, 4, "FailedCreate", "the test refuses it").await;
}

#[tokio::test]
async fn a_delete_that_is_refused_is_told_and_its_end() {
    let scaled = json!({"spec": {"replicas": 1}});
    check(Method::Delete, Fate::Refused(500), scaled, 1, "FailedDelete", "the test refuses it").await;
}

#[tokio::test]
async fn a_finalizer_that_may_not_be_removed_is_told_and_its_end() {
    let scaled = json!({"spec": {"replicas": 0}});
    check(Method::Patch, Fate::Refused(422), scaled, 0, "FailedUpdate", "the test refuses it").await;
}

/// A workload that cannot be read has a Pod that ends and cannot be let go, as the change has it. That is told, and
/// nothing of it is left when the Pod may go.
async fn check_unreadable(change: impl FnOnce(&Cluster), is_over: impl Fn(&World) -> bool) {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    let path = format!("{WORKLOADS}/web");
    cluster.merge(&path, json!({"spec": {"replicas": "many"}}));
    cluster.decide(
        |request| {
            if is_of_pods(request, Method::Patch) { Fate::Refused(403) } else { Fate::Answered }
        },
    );
    change(&cluster);
    let failure = |world: &World| {
        let known = world.server.object(&path)?["status"]["conditions"].as_array()?.clone();
        let is_invalid = known.iter().any(|known| known["type"] == "Stalled" && known["reason"] == "Invalid");
        let failure = known.iter().find(|known| known["type"] == "ReplicaFailure").cloned();
        failure.filter(|_| is_invalid)
    };
    let told = cluster.wait("it is told", failure).await;
    assert_eq!((&told["reason"], &told["status"]), (&json!("FailedUpdate"), &json!("True")));
    assert!(told["message"].as_str().unwrap().contains("the test refuses it"), "{told}");
    cluster.wait("an Event", |world| events(world, "FailedUpdate").pop()).await;
    cluster.decide(|_| Fate::Answered);
    cluster
        .wait("the Pod is gone, and nothing told of it", |world| {
            (world.pods().count() == 0 && failure(world).is_none() && is_over(world)).then_some(())
        })
        .await;
    assert_eq!(events(&cluster.shared.world.lock(), "FailedUpdate").len(), 1);
}

#[tokio::test]
async fn a_pod_that_an_unreadable_workload_cannot_let_go_is_told_and_its_end() {
    let drain = |cluster: &Cluster| {
        let name = cluster.shared.world.lock().pods().next().unwrap()["metadata"]["name"].clone();
        cluster.ask(&Request::delete(format!("{PODS}/{}", name.as_str().unwrap()), None));
    };
    check_unreadable(drain, |_| true).await;
}

#[tokio::test]
async fn a_pod_that_keeps_an_unreadable_workload_from_going_is_told() {
    let path = format!("{WORKLOADS}/web");
    let delete = |cluster: &Cluster| drop(cluster.ask(&Request::delete(&*path, None)));
    check_unreadable(delete, |world| world.server.object(&path).is_none()).await;
}

#[tokio::test]
async fn scaling_is_told_in_one_event_for_each_change_of_a_size() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 5}}));
    cluster.wait_for_status("web", "five Pods serve", |status| status.ready_replicas == 5).await;
    cluster
        .wait("both are told", |world| {
            let told = events(world, "ScalingReplicaSet");
            let steps = |told: &[String]| {
                let step = |note: &String| note.split_once(" from ").map(|(_, step)| step.to_owned());
                told.iter().filter_map(step).collect::<Vec<_>>()
            };
            let mut steps = steps(&told);
            steps.sort();
            (steps == ["0 to 2", "2 to 5"]).then_some(())
        })
        .await;
}

#[tokio::test]
async fn conditions_of_others_are_left_alone() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    let path = format!("{WORKLOADS}/web");
    let theirs = json!({
        "type": "example.com/Checked", "status": "True", "reason": "Fine", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-11-22T10:00:00Z",
    });
    let mut conditions = cluster
        .wait("conditions", |world| world.server.object(&path)?["status"]["conditions"].as_array().cloned())
        .await;
    conditions.push(theirs.clone());
    cluster.merge(&format!("{path}/status"), json!({"status": {"conditions": conditions}}));
    cluster.merge(&path, json!({"spec": {"replicas": 2}}));
    cluster.wait_for_status("web", "two Pods serve", |status| status.ready_replicas == 2).await;
    cluster
        .wait("theirs is there", |world| {
            let known = world.server.object(&path)?["status"]["conditions"].as_array().cloned()?;
            known.contains(&theirs).then_some(())
        })
        .await;
}
