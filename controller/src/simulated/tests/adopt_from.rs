//! Who is to take Pods over makes none beside them: not while their Deployment is there, and not while a ReplicaSet
//! that it has left behind is.

use std::collections::BTreeSet;

use hooked_core::names::ADOPT_FROM_ANNOTATION;
use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";
/// The hash of the template that the ReplicaSet has given to its Pods.
const HASH: &str = "7b9f6c5d8";

fn uids(world: &World) -> BTreeSet<String> {
    world.pods().filter_map(|pod| Some(pod["metadata"]["uid"].as_str()?.to_owned())).collect()
}

fn owner(object: &Value, kind: &str) -> Value {
    let (name, uid) = (&object["metadata"]["name"], &object["metadata"]["uid"]);
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}])
}

/// A Deployment, its ReplicaSet, and two Pods of that. Nobody is there who would make others.
fn deploy(cluster: &Cluster) -> BTreeSet<String> {
    let spec = workload("web", 2)["spec"].clone();
    let labels = json!({"app": "web", "pod-template-hash": HASH});
    let named = |name: &str| json!({"name": name, "namespace": "shop", "labels": labels});
    let deployment =
        cluster.ask(&Request::create(DEPLOYMENTS, json!({"metadata": {"name": "web"}, "spec": spec})));
    let mut set = json!({"metadata": named(&format!("web-{HASH}")), "spec": spec});
    set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "4"});
    set["spec"]["template"]["metadata"]["labels"] = labels.clone();
    set["metadata"]["ownerReferences"] = owner(&deployment, "Deployment");
    let set = cluster.ask(&Request::create(REPLICA_SETS, set));
    for name in ["web-a", "web-b"] {
        let mut pod = json!({"metadata": named(name), "spec": spec["template"]["spec"]});
        pod["metadata"]["ownerReferences"] = owner(&set, "ReplicaSet");
        cluster.ask(&Request::create(PODS, pod));
    }
    uids(&cluster.shared.world.lock())
}

/// A workload that is to take over what `from` controls.
fn ask(cluster: &Cluster, from: &str) {
    let mut adopting = workload("web", 2);
    adopting["metadata"]["annotations"] = json!({ADOPT_FROM_ANNOTATION: from});
    cluster.ask(&Request::create(WORKLOADS, adopting));
}

fn leave_behind(cluster: &Cluster, path: &str) {
    cluster.ask(&Request::delete(path, Some(json!({"propagationPolicy": "Orphan"}))));
}

async fn until_told(cluster: &Cluster, words: &str) {
    let told = |status: &HookedWorkloadStatus| {
        let mut conditions = status.conditions.iter();
        conditions.any(|known| {
            let reasons = ["AwaitingAdoption", "PredecessorUnknown"];
            reasons.contains(&&*known.reason) && known.message.contains(words)
        })
    };
    cluster.wait_for_status("web", words, told).await;
}

/// Waits until the workload has taken these Pods over, and no other was made or has gone.
async fn until_taken_over(cluster: &Cluster, before: &BTreeSet<String>) {
    cluster
        .wait("the Pods are the workload's", |world| {
            assert_eq!(uids(world), *before, "no Pod is made, and none goes");
            let is_taken = |pod: &Value| {
                pod["metadata"]["ownerReferences"][0]["kind"] == "HookedWorkload"
                    && pod["metadata"]["labels"]["hooked.dev/revision"] == HASH
            };
            world.pods().all(|pod| is_taken(pod)).then_some(())
        })
        .await;
    let is_complete = |status: &HookedWorkloadStatus| status.current_revision.as_deref() == Some(HASH);
    cluster.wait_for_status("web", "the rollout is complete", is_complete).await;
    assert_eq!(uids(&cluster.shared.world.lock()), *before, "no Pod is made, and none goes");
    let world = cluster.shared.world.lock();
    let stored: Vec<_> = world.server.objects(REVISIONS).map(|known| known["revision"].clone()).collect();
    assert_eq!(stored, [json!(4)], "the template is known by the name and the number that it had");
}

#[tokio::test]
async fn pods_of_a_deployment_are_taken_over_once_it_and_its_replica_sets_are_gone() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, "Deployment/web");
    until_told(&cluster, "until Deployment web is gone").await;
    leave_behind(&cluster, &format!("{DEPLOYMENTS}/web"));
    until_told(&cluster, &format!("until ReplicaSet web-{HASH} is gone")).await;
    // Another operator has to find out the same.
    operator.crash().await;
    let _operator = Operator::start(&cluster, "b", &[]);
    until_told(&cluster, &format!("until ReplicaSet web-{HASH} is gone")).await;
    assert_eq!(uids(&cluster.shared.world.lock()), before);
    leave_behind(&cluster, &format!("{REPLICA_SETS}/web-{HASH}"));
    until_taken_over(&cluster, &before).await;

    // What it was to take over means nothing any more.
    cluster.ask(&Request::create(
        DEPLOYMENTS,
        json!({"metadata": {"name": "web"}, "spec": workload("web", 0)["spec"]}),
    ));
    cluster.merge(WEB, json!({"spec": {"replicas": 3}}));
    cluster.wait("a third Pod", |world| (world.pods().count() == 3).then_some(())).await;
}

#[tokio::test]
async fn pods_of_a_replica_set_are_taken_over_once_it_is_gone() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, &format!("ReplicaSet/web-{HASH}"));
    until_told(&cluster, &format!("until ReplicaSet web-{HASH} is gone")).await;
    leave_behind(&cluster, &format!("{REPLICA_SETS}/web-{HASH}"));
    until_taken_over(&cluster, &before).await;
}

#[tokio::test]
async fn pods_that_nobody_controls_are_left_to_their_deployment_while_it_is_there() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, "Deployment/web");
    until_told(&cluster, "until Deployment web is gone").await;
    leave_behind(&cluster, &format!("{REPLICA_SETS}/web-{HASH}"));
    let is_free = |pod: &Value| pod["metadata"]["ownerReferences"].as_array().is_none_or(Vec::is_empty);
    cluster.wait("they are nobody's", |world| world.pods().all(|pod| is_free(pod)).then_some(())).await;
    // Three looks.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert!(cluster.shared.world.lock().pods().all(|pod| is_free(pod)), "its ReplicaSet may come back");
    leave_behind(&cluster, &format!("{DEPLOYMENTS}/web"));
    until_taken_over(&cluster, &before).await;
}

#[tokio::test]
async fn a_look_that_is_refused_is_told_and_taken_again() {
    let cluster = Cluster::new();
    let mut refused = 0;
    cluster.decide(move |request| {
        let looks = request.method == Method::Get && request.path.starts_with(DEPLOYMENTS);
        refused += u32::from(looks);
        if looks && refused < 3 { Fate::Refused(403) } else { Fate::Answered }
    });
    let _operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, "Deployment/web");
    until_told(&cluster, "needs the rights to get deployments.apps").await;
    assert_eq!(uids(&cluster.shared.world.lock()), before);
    until_told(&cluster, "until Deployment web is gone").await;
}

#[tokio::test]
async fn what_cannot_be_adopted_from_is_told_and_nothing_is_made_until_it_is_mended() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, "StatefulSet/web");
    let is_told = |status: &HookedWorkloadStatus| {
        status.conditions.iter().any(|known| {
            let is_stalled = known.type_ == "Stalled" && known.status == "True";
            is_stalled && known.message.contains("metadata.annotations[hooked.dev/adopt-from]")
        })
    };
    cluster.wait_for_status("web", "it is Stalled", is_told).await;
    assert_eq!(uids(&cluster.shared.world.lock()), before);
    cluster.merge(WEB, json!({"metadata": {"annotations": {ADOPT_FROM_ANNOTATION: null}}}));
    cluster.wait("two Pods of its own", |world| (world.pods().count() == 4).then_some(())).await;
}

#[tokio::test]
async fn a_workload_that_waits_for_pods_can_be_deleted() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let before = deploy(&cluster);
    ask(&cluster, "Deployment/web");
    until_told(&cluster, "until Deployment web is gone").await;
    cluster.ask(&Request::delete(WEB, None));
    cluster.wait("the workload goes", |world| world.server.object(WEB).is_none().then_some(())).await;
    assert_eq!(uids(&cluster.shared.world.lock()), before);
}
