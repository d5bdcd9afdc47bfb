//! Fields of a template that Kubernetes does not know: kubectl tells nobody of them, the operator does.

use hooked_crd::HookedWorkloadStatus;
use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::manifests::{revision, workload};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";

fn web() -> String {
    format!("{WORKLOADS}/web")
}

fn is_stalled(status: &HookedWorkloadStatus, words: &str) -> bool {
    let mut conditions = status.conditions.iter();
    conditions
        .any(|known| known.type_ == "Stalled" && known.status == "True" && known.message.starts_with(words))
}

/// The template of a workload that serves, with a misspelt field in it.
fn misspelt() -> Value {
    let mut template = workload("web", 1)["spec"]["template"].take();
    template["spec"]["containers"][0]["imagee"] = json!("web:2");
    template
}

/// UIDs of the Pods that there are.
fn pods(world: &World) -> Vec<String> {
    world.server.objects(PODS).map(|pod| pod["metadata"]["uid"].to_string()).collect()
}

/// Deletes the first Pod.
async fn delete_a_pod(cluster: &Cluster) {
    let name = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    cluster.ask(&Request::delete(format!("{PODS}/{}", name.as_str().unwrap()), None));
}

#[tokio::test]
async fn a_misspelt_field_is_told_and_the_pods_that_serve_are_kept() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let before = cluster.wait("Pods", |world| Some(pods(world))).await;
    cluster.merge(&web(), json!({"spec": {"template": misspelt()}}));
    // But for the field it is the template of before: what the server drops is told all the same.
    let words = "spec.template.spec.containers[0].imagee: unknown field";
    cluster.wait_for_status("web", "the field is told", |status| is_stalled(status, words)).await;
    cluster.merge(&web(), json!({"spec": {"replicas": 3}}));
    cluster.wait_for_status("web", "it is scaled", |status| status.ready_replicas == 3).await;
    let after = pods(&cluster.shared.world.lock());
    assert!(before.iter().all(|uid| after.contains(uid)), "{before:?} {after:?}");
    // Written otherwise and without the field it is the revision that serves, and not the one that is refused.
    let mut corrected = workload("web", 3)["spec"].take();
    corrected["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    let mut object = cluster.wait("web", |world| world.server.object(&web()).cloned()).await.as_ref().clone();
    object["spec"] = corrected;
    cluster.ask(&Request::replace(web(), object));
    cluster
        .wait_for_status("web", "it serves as before", |status| {
            status.updated_replicas == 3 && !is_stalled(status, "")
        })
        .await;
    assert_eq!(pods(&cluster.shared.world.lock()), after);
}

/// An operator that did not ask has rolled the field out; the next one asks.
#[tokio::test]
async fn a_misspelt_field_that_is_rolled_out_already_stops_nothing() {
    let cluster = Cluster::new();
    let mut object = workload("web", 1);
    object["spec"]["template"] = misspelt();
    let made = cluster.ask(&Request::create(WORKLOADS, object));
    cluster.ask(&Request::create(REVISIONS, revision("before", &made)));
    let rolled_out = json!({"status": {"currentRevision": "before", "updateRevision": "before"}});
    cluster.merge(&format!("{}/status", web()), rolled_out);
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.wait_for_status("web", "it serves", |status| status.ready_replicas == 1).await;
    let before = pods(&cluster.shared.world.lock());
    delete_a_pod(&cluster).await;
    cluster
        .wait("another Pod serves", |world| {
            let status = world.status(&web())?;
            (status.ready_replicas == 1 && pods(world) != before && !is_stalled(&status, "")).then_some(())
        })
        .await;
}
