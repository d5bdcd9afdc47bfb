//! A deleted workload goes as a Deployment does, once its hooks are counted.

use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";

/// A workload of two Pods that serve, each with somebody else's finalizer.
async fn serve_held(cluster: &Cluster) {
    let mut object = workload("web", 2);
    object["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/hold"]);
    cluster.ask(&Request::create(WORKLOADS, object));
    cluster.wait_for_status("web", "its Pods serve", |status| status.ready_replicas == 2).await;
}

fn delete(cluster: &Cluster, propagation: &str) {
    cluster.ask(&Request::delete(WEB, Some(json!({"propagationPolicy": propagation}))));
}

/// Whether our finalizer is on none of the two Pods, and theirs on both.
fn are_held_by_others_alone(world: &World) -> bool {
    let of_others = |pod: &Value| pod["metadata"]["finalizers"] == json!(["example.com/hold"]);
    world.pods().filter(|pod| of_others(pod)).count() == 2
}

/// Whoever put the finalizer on the Pods is done with them.
fn let_go(cluster: &Cluster) {
    let names: Vec<String> = cluster
        .shared
        .world
        .lock()
        .pods()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_string())
        .filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    for name in names {
        cluster.merge(&format!("{PODS}/{name}"), json!({"metadata": {"finalizers": null}}));
    }
}

#[tokio::test]
async fn somebody_elses_finalizer_keeps_no_deleted_workload() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    serve_held(&cluster).await;
    delete(&cluster, "Background");
    cluster
        .wait("the workload goes, and its Pods stay", |world| {
            (world.server.object(WEB).is_none() && are_held_by_others_alone(world)).then_some(())
        })
        .await;
    let log = cluster.log();
    let last = log.iter().rev().find(|sent| sent.has_changed("/web/status")).unwrap();
    assert_eq!(last.body["status"]["hookTotals"]["succeeded"], 4, "all is counted before");

    // What is left of the one before is not the next one's.
    cluster.serve("web", 1).await;
    let_go(&cluster);
    cluster.wait("its Pods are gone", |world| (world.pods().count() == 1).then_some(())).await;
    delete(&cluster, "Background");
    cluster.wait("nothing is left", |world| (world.pods().count() == 0).then_some(())).await;
    let log = cluster.log();
    let last = log.iter().rev().find(|sent| sent.has_changed("/web/status")).unwrap();
    assert_eq!(last.body["status"]["hookTotals"]["succeeded"], 2);
}

#[tokio::test]
async fn a_workload_that_is_deleted_in_the_foreground_waits_for_its_pods() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    serve_held(&cluster).await;
    delete(&cluster, "Foreground");
    cluster.wait("ours are off", |world| are_held_by_others_alone(world).then_some(())).await;
    // The operator has long come to the workload again when it has served another one from beginning to end.
    cluster.serve("other", 1).await;
    assert!(cluster.shared.world.lock().server.object(WEB).is_some(), "its Pods are still there");
    let_go(&cluster);
    cluster.wait("it is gone", |world| world.server.object(WEB).is_none().then_some(())).await;
}
