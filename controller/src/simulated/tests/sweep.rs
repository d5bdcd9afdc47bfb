//! Our finalizer outlives nobody who would remove it.

use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS};
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

/// A Pod as one of ours looks, of a workload with that UID.
fn stray(name: &str, uid: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": {"app": "web", "hooked.dev/revision": "rev", "pod-template-hash": "rev"},
            "annotations": {"hooked.dev/ordinal": "7.bcdfgh"},
            "finalizers": ["hooked.dev/accounting"],
            "ownerReferences": [{
                "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "gone", "uid": uid,
                "controller": true,
            }],
        },
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

#[tokio::test]
async fn a_pod_whose_workload_is_gone_is_let_go_and_others_are_not() {
    let cluster = Cluster::new();
    cluster.ask(&Request::create(WORKLOADS, workload("web", 1)));
    cluster.ask(&Request::create(PODS, stray("stray", "4e0e0b0a-0000-4000-8000-000000000001")));
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.wait_for_status("web", "a Pod serves", |status| status.ready_replicas == 1).await;
    let is_let_go = |pod: &Value| pod["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
    cluster
        .wait("the stray is let go", |world| {
            let stray = world.server.object(&format!("{PODS}/stray"));
            stray.is_none_or(|pod| is_let_go(pod)).then_some(())
        })
        .await;
    let world = cluster.shared.world.lock();
    let mut others = world.pods().filter(|pod| pod["metadata"]["name"] != "stray");
    assert!(others.all(|pod| !is_let_go(pod)), "a Pod that somebody accounts for is held");
}

#[tokio::test]
async fn a_workload_that_is_deleted_goes_with_its_pods_counted() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    cluster.ask(&Request::delete(format!("{WORKLOADS}/web"), None));
    cluster
        .wait("nothing is left", |world| {
            let is_there = world.server.object(&format!("{WORKLOADS}/web")).is_some();
            (!is_there && world.pods().count() == 0).then_some(())
        })
        .await;
    let log = cluster.log();
    let last = log.iter().rev().find(|sent| sent.has_changed("/web/status")).unwrap();
    assert_eq!(last.body["status"]["hookTotals"]["succeeded"], 4);
}
