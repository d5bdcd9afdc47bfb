//! Revisions are kept as long as anybody may ask for them.

use hooked_simulation::Request;
use hooked_simulation::kubelet::Step;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS};
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";

/// With that limit each of these images is rolled out after `web:1`; then these are stored.
async fn check(limit: u32, images: &[&str], expect: &[&str]) {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let mut object = workload("web", 1);
    object["spec"]["revisionHistoryLimit"] = json!(limit);
    cluster.ask(&Request::create(WORKLOADS, object));
    let mut generation = 1;
    cluster.wait_for_status("web", "it serves", |status| status.ready_replicas == 1).await;
    for tag in images {
        cluster.merge(&format!("{WORKLOADS}/web"), image(tag));
        generation += 1;
        cluster
            .wait_for_status("web", "it is rolled out", |status| {
                let is_seen = status.observed_generation == Some(generation);
                is_seen && status.current_revision == status.update_revision && status.updated_replicas == 1
            })
            .await;
    }
    let stored = |world: &crate::simulated::cluster::World| {
        let stored = world.server.objects(REVISIONS);
        let mut images: Vec<String> =
            stored.map(|stored| stored["data"].to_string()).filter_map(|data| image_of(&data)).collect();
        images.sort();
        images
    };
    cluster.wait("the older ones are gone", |world| (stored(world) == expect).then_some(())).await;
}

#[tokio::test]
async fn old_revisions_go_beyond_the_limit_and_the_latest_stay() {
    check(1, &["web:2", "web:3", "web:4"], &["web:3", "web:4"]).await;
}

#[tokio::test]
async fn a_revision_that_is_gone_back_to_is_the_newest_again() {
    check(2, &["web:2", "web:1", "web:3", "web:4"], &["web:1", "web:3", "web:4"]).await;
}

#[tokio::test]
async fn pods_that_have_ended_go_with_their_revision() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let mut object = workload("web", 1);
    object["spec"]["revisionHistoryLimit"] = json!(0);
    cluster.ask(&Request::create(WORKLOADS, object));
    cluster.wait_for_status("web", "it serves", |status| status.ready_replicas == 1).await;
    cluster.strike("an eviction", |step| matches!(step, Step::Evict { .. })).await;
    cluster
        .wait("the evicted Pod is replaced, and stays", |world| {
            let serves = world.status(&format!("{WORKLOADS}/web"))?.ready_replicas == 1;
            (serves && world.pods().any(|pod| has_ended(pod))).then_some(())
        })
        .await;
    cluster.merge(&format!("{WORKLOADS}/web"), image("web:2"));
    cluster
        .wait("nothing is left of the revision before", |world| {
            let revisions = world.server.objects(REVISIONS).count();
            (revisions == 1 && world.pods().all(|pod| !has_ended(pod))).then_some(())
        })
        .await;
    cluster
        .wait_for_status("web", "the hooks of the evicted Pod are counted", |status| {
            // Three Pods have started, two of them have stopped.
            let totals = status.hook_totals;
            totals.succeeded + totals.unknown + totals.skipped + totals.failed == 5
        })
        .await;
}

/// Kubernetes' own garbage collector deletes ended Pods where there are too many in the cluster.
#[tokio::test]
async fn a_pod_that_has_ended_goes_as_soon_as_anybody_deletes_it() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    cluster.strike("an eviction", |step| matches!(step, Step::Evict { .. })).await;
    let ended = cluster
        .wait("it has ended", |world| {
            let ended = world.pods().find(|pod| has_ended(pod))?;
            Some(format!("{PODS}/{}", ended["metadata"]["name"].as_str()?))
        })
        .await;
    cluster.ask(&Request::delete(&*ended, Some(json!({"gracePeriodSeconds": 0}))));
    cluster.wait("it is gone", |world| world.server.object(&ended).is_none().then_some(())).await;
}

fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// The image in a stored revision.
fn image_of(data: &str) -> Option<String> {
    let (_, after) = data.split_once("web:")?;
    Some(format!("web:{}", after.chars().next()?))
}
