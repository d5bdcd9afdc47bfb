//! Pods of others that have come through the injector: those that it has put our finalizer on go when their hooks are
//! counted, and live on without the workload that watches them; those in which its runner cannot run are made anew.

use std::sync::Arc;

use hooked_core::names::{HELD_LABEL, INJECTED_ANNOTATION, INSTALLER_CONTAINER};
use hooked_core::pass::Locked;
use hooked_core::workload::template::{Delivery, Runner, inject_into};
use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// Has somebody watch the Pods of the Deployment `web` with these hooks.
fn watch(cluster: &Cluster, hooks: &Value) {
    cluster.ask(&Request::create(
        WORKLOADS,
        json!({
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "hooks": hooks,
            },
        }),
    ));
}

/// A reference to the Deployment `web`, which is made if it is not there.
fn deployment(cluster: &Cluster) -> Value {
    let known = cluster.shared.world.lock().server.object(&format!("{DEPLOYMENTS}/web")).cloned();
    let deployment = known.unwrap_or_else(|| {
        cluster.ask(&Request::create(DEPLOYMENTS, json!({"metadata": {"name": "web", "namespace": "shop"}})))
    });
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true,
           "uid": deployment["metadata"]["uid"]})
}

/// A Pod of the Deployment, as it comes through the injector.
fn create_held(cluster: &Cluster, name: &str) {
    let owner = deployment(cluster);
    let metadata = json!({
        "name": name, "namespace": "shop", "ownerReferences": [owner], "finalizers": ["hooked.dev/accounting"],
        "labels": {"app": "web", "hooked.dev/held": "true", "pod-template-hash": "1"},
    });
    let spec = &workload("web", 1)["spec"]["template"]["spec"];
    cluster.ask(&Request::create(PODS, json!({"metadata": metadata, "spec": spec})));
}

fn has_finalizer(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty())
}

fn pod<'a>(world: &'a World, name: &str) -> Option<&'a Value> {
    world.server.object(&format!("{PODS}/{name}")).map(|pod| &**pod)
}

/// Has somebody watch with durable evidence, and makes the Pod `web-1`, whose start is counted.
async fn hold_one(cluster: &Cluster) {
    watch(cluster, &json!({"evidence": "Durable"}));
    let is_held = |world: &World| world.server.object(WEB).filter(|web| has_finalizer(web)).map(drop);
    cluster.wait("the workload waits for its Pods", is_held).await;
    create_held(cluster, "web-1");
    cluster.wait_for_status("web", "it is counted", |status| status.hook_totals.succeeded == 1).await;
}

#[tokio::test]
async fn a_held_pod_of_others_goes_when_its_hooks_are_counted() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    hold_one(&cluster).await;
    cluster.ask(&Request::delete(format!("{PODS}/web-1"), None));
    cluster.wait("it goes", |world| pod(world, "web-1").is_none().then_some(())).await;
    let totals = cluster.shared.world.lock().status(WEB).unwrap().hook_totals;
    assert_eq!(totals.succeeded + totals.unknown, 2, "both hooks were counted before: {totals:?}");
}

#[tokio::test]
async fn a_workload_that_goes_lets_its_pods_live_on() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    hold_one(&cluster).await;
    // It goes while no operator is there to see it.
    operator.crash().await;
    cluster.ask(&Request::delete(WEB, None));
    let _operator = Operator::start(&cluster, "b", &[]);
    cluster
        .wait("the workload is gone, and the Pod lives on", |world| {
            let is_free = pod(world, "web-1").is_some_and(|pod| !has_finalizer(pod));
            (world.server.object(WEB).is_none() && is_free).then_some(())
        })
        .await;
    assert!(pod(&cluster.shared.world.lock(), "web-1").unwrap()["metadata"]["deletionTimestamp"].is_null());
}

#[tokio::test]
async fn pods_that_were_admitted_while_their_workload_went_are_let_go_however_many_there_are() {
    let cluster = Cluster::new();
    // One more than a page holds: the list must not be answered as a whole, which of all Pods is too much to keep.
    let names: Vec<String> = (0..=500).map(|number| format!("web-{number}")).collect();
    for name in &names {
        create_held(&cluster, name);
    }
    let pages = Arc::new(Locked::new(0));
    let asked = Arc::clone(&pages);
    cluster.decide(move |request| {
        let is_page = request.query.get("labelSelector").is_some_and(|selector| selector == HELD_LABEL);
        *asked.lock() += i32::from(is_page);
        Fate::Answered
    });
    let _operator = Operator::start(&cluster, "a", &[]);
    let is_free = |world: &World, name: &String| pod(world, name).is_some_and(|pod| !has_finalizer(pod));
    cluster
        .wait("nothing holds them", |world| names.iter().all(|name| is_free(world, name)).then_some(()))
        .await;
    assert_eq!(*pages.lock(), 2);
}

/// A Pod of the Deployment with a runner, whose init container cannot pull the runner's image.
async fn create_stuck(cluster: &Cluster, name: &str, is_injected: bool) {
    let owner = deployment(cluster);
    let metadata = json!({
        "name": name, "namespace": "shop", "ownerReferences": [owner], "labels": {"app": "web", "pod-template-hash": "7f"},
    });
    let bare = json!({"metadata": metadata, "spec": workload("web", 1)["spec"]["template"]["spec"]});
    let runner = Runner::new("hooked:1".to_owned(), Delivery::InitContainer);
    let mut injected = inject_into(&bare, &runner, &[]).unwrap();
    if !is_injected {
        injected["metadata"]["annotations"].as_object_mut().unwrap().remove(INJECTED_ANNOTATION);
    }
    cluster.ask(&Request::create(PODS, injected));
    let is_started =
        |world: &World| pod(world, name).filter(|pod| pod["status"]["phase"] == "Running").map(drop);
    cluster.wait("its kubelet has seen it", is_started).await;
    let waiting = json!({"waiting": {"reason": "ErrImageNeverPull", "message": "not present with pull policy of Never"}});
    let status = json!({
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "initContainerStatuses": [{"name": INSTALLER_CONTAINER, "restartCount": 0, "ready": false, "state": waiting}],
    });
    cluster.merge(&format!("{PODS}/{name}/status"), json!({"status": status}));
}

#[tokio::test]
async fn a_pod_of_others_in_which_the_runner_cannot_run_is_deleted_once_that_is_known() {
    let cluster = Cluster::new();
    watch(&cluster, &json!({"measurement": "Runner"}));
    create_stuck(&cluster, "web-theirs", false).await;
    create_stuck(&cluster, "web-1", true).await;
    let operator = Operator::start(&cluster, "a", &["--inject-bind-address=127.0.0.1:0"]);
    cluster.wait("it is gone", |world| pod(world, "web-1").is_none().then_some(())).await;
    let told = |status: &HookedWorkloadStatus| {
        let measured = status.conditions.iter().find(|known| known.type_ == "Measured");
        measured.is_some_and(|measured| {
            measured.reason == "RunnerCannotRun" && measured.message.contains("pulled")
        })
    };
    cluster.wait_for_status("web", "it is told", told).await;
    let status = cluster.shared.world.lock().server.object(WEB).unwrap()["status"].clone();
    assert_eq!(status["ledger"]["unrunnable"][0][0], "7f", "the injector reads it: {status}");
    // The injector of the other operator has not heard of it, and the Pod after the next has nobody to tell of it.
    operator.crash().await;
    let _operator = Operator::start(&cluster, "b", &["--inject-bind-address=127.0.0.1:0"]);
    create_stuck(&cluster, "web-2", true).await;
    cluster.wait("so is the next", |world| pod(world, "web-2").is_none().then_some(())).await;
    assert!(pod(&cluster.shared.world.lock(), "web-theirs").is_some(), "its runner is no matter of ours");
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_goes_and_its_pods_live_on() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    hold_one(&cluster).await;
    operator.crash().await;
    // As after the operator was exchanged for one of before.
    cluster.merge(&format!("{WEB}/status"), json!({"status": {"ledger": {"version": 99}}}));
    let _operator = Operator::start(&cluster, "b", &[]);
    cluster
        .wait("it is told", |world| {
            let status = world.server.object(WEB)?["status"].clone();
            let conditions = status["conditions"].as_array()?.clone();
            conditions.into_iter().find(|known| known["type"] == "Stalled" && known["status"] == "True")
        })
        .await;
    cluster.ask(&Request::delete(WEB, None));
    cluster.wait("it is gone", |world| world.server.object(WEB).is_none().then_some(())).await;
    let world = cluster.shared.world.lock();
    let left = pod(&world, "web-1").unwrap();
    assert!(!has_finalizer(left) && left["metadata"]["deletionTimestamp"].is_null(), "{left}");
}
