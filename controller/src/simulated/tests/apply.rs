//! From a workload to its Pods.

use hooked_simulation::Request;
use serde_json::json;

use crate::simulated::cluster::{Cluster, WORKLOADS};
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

#[tokio::test]
async fn a_workload_gets_its_pods_and_every_start_is_counted() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.ask(&Request::create(WORKLOADS, workload("web", 3)));
    cluster
        .wait_for_status("web", "three Pods serve, and three starts are counted", |status| {
            status.ready_replicas == 3 && status.hook_totals.succeeded == 3
        })
        .await;
    let really = cluster.wait("their hooks", |world| Some(world.runs().len())).await;
    assert_eq!(really, 3);
    let events = |world: &crate::simulated::cluster::World| {
        let all = world.server.objects("/apis/events.k8s.io/v1/namespaces/shop/events");
        let of_hooks = all.filter(|event| event["reason"] != "ScalingReplicaSet");
        of_hooks.map(|event| event["reason"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        events(&cluster.shared.world.lock()),
        Vec::<String>::new(),
        "of hooks that succeed nothing is said"
    );
}

#[tokio::test]
async fn a_workload_that_cannot_be_read_is_told_so_and_hurts_no_other() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let mut broken = workload("broken", 1);
    broken["spec"]["replicas"] = json!("many");
    cluster.ask(&Request::create(WORKLOADS, broken));
    cluster.serve("web", 1).await;
    let is_stalled = |status: &hooked_crd::HookedWorkloadStatus| {
        let stalled = status.conditions.iter().find(|known| known.type_ == "Stalled");
        stalled.is_some_and(|known| known.status == "True" && known.message.contains("replicas"))
    };
    cluster.wait_for_status("broken", "its field is named", is_stalled).await;
}
