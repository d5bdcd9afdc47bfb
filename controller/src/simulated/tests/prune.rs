//! Revisions are kept as long as anybody may ask for them.

use hooked_simulation::Request;
use serde_json::json;

use crate::simulated::cluster::{Cluster, WORKLOADS};
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";

#[tokio::test]
async fn old_revisions_go_beyond_the_limit_and_the_latest_stay() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let mut object = workload("web", 1);
    object["spec"]["revisionHistoryLimit"] = json!(1);
    cluster.ask(&Request::create(WORKLOADS, object));
    let mut generation = 1;
    cluster.wait_for_status("web", "it serves", |status| status.ready_replicas == 1).await;
    for tag in ["web:2", "web:3", "web:4"] {
        cluster.merge(&format!("{WORKLOADS}/web"), image(tag));
        generation += 1;
        cluster
            .wait_for_status("web", "it is rolled out", |status| {
                let is_seen = status.observed_generation == Some(generation);
                is_seen && status.current_revision == status.update_revision && status.updated_replicas == 1
            })
            .await;
    }
    let images = |world: &crate::simulated::cluster::World| {
        let stored = world.server.objects(REVISIONS);
        let mut images: Vec<String> =
            stored.map(|stored| stored["data"].to_string()).filter_map(|data| image_of(&data)).collect();
        images.sort();
        images
    };
    let expect = ["web:3".to_owned(), "web:4".to_owned()];
    cluster.wait("the older ones are gone", |world| (images(world) == expect).then_some(())).await;
}

/// The image in a stored revision.
fn image_of(data: &str) -> Option<String> {
    let (_, after) = data.split_once("web:")?;
    Some(format!("web:{}", after.chars().next()?))
}
