//! What happens while no watch is up is not missed.

use hooked_simulation::Request;
use serde_json::json;

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS};
use crate::simulated::operator::Operator;

#[tokio::test]
async fn what_happened_while_watches_were_down_is_found_by_the_next_list() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    cluster.cut_watches();
    let names: Vec<String> = {
        let world = cluster.shared.world.lock();
        world.pods().filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect()
    };
    for name in &names {
        cluster.ask(&Request::delete(format!("{PODS}/{name}"), None));
    }
    // They end, held by their finalizer, and nobody is told.
    cluster
        .wait("both have ended", |world| {
            let over = world
                .pods()
                .filter(|pod| pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed");
            (over.count() == 2).then_some(())
        })
        .await;
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 1}}));
    cluster.allow_watches();
    cluster
        .wait_for_status("web", "one Pod serves, and two stops are counted", |status| {
            let stops = status.hooks.iter().filter(|hook| hook.hook == hooked_crd::HookKind::PreStop);
            status.ready_replicas == 1 && stops.map(|hook| hook.succeeded).sum::<i64>() == 2
        })
        .await;
}
