//! Templates that are written otherwise and mean the same Pods.

use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";

/// UIDs of the Pods that there are.
fn pods(world: &World) -> Vec<String> {
    let uids = world.server.objects(PODS).map(|pod| pod["metadata"]["uid"].to_string());
    uids.collect()
}

/// Changes the spec of `web` and waits until that is acted upon: so many Pods serve, all of what is asked for.
async fn change(cluster: &Cluster, spec: Value, replicas: i32) {
    let web = format!("{WORKLOADS}/web");
    cluster.merge(&web, json!({"spec": spec}));
    let is_done = |world: &World| {
        let generation = world.server.object(&web)?["metadata"]["generation"].as_i64();
        let status = world.status(&web)?;
        let is_seen = status.observed_generation == generation && status.conditions[0].status == "True";
        (is_seen && (status.ready_replicas, status.updated_replicas) == (replicas, replicas)).then_some(())
    };
    cluster.wait("the change is acted upon", is_done).await;
}

fn questions(cluster: &Cluster) -> usize {
    cluster.log().iter().filter(|sent| sent.path.contains("/podtemplates")).count()
}

#[tokio::test]
async fn a_template_that_means_the_same_pods_replaces_none() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let before = cluster.wait("Pods", |world| Some(pods(world))).await;
    assert_eq!(questions(&cluster), 0);
    let same = json!({"dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30});
    change(&cluster, json!({"template": {"spec": same}}), 2).await;
    let stored = |world: &World| world.server.objects(REVISIONS).count();
    cluster
        .wait("nothing new", |world| ((pods(world), stored(world)) == (before.clone(), 1)).then_some(()))
        .await;
    // What was found out is committed: the next operator need not ask.
    let asked = questions(&cluster);
    assert_eq!(asked, 2);
    operator.crash().await;
    let _next = Operator::start(&cluster, "b", &[]);
    change(&cluster, json!({"replicas": 3}), 3).await;
    assert_eq!(questions(&cluster), asked);
    cluster.wait("one Pod more", |world| (pods(world).len() == 3 && stored(world) == 1).then_some(())).await;
}

#[tokio::test]
async fn a_template_that_means_other_pods_is_rolled_out() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 1).await;
    let before = cluster.wait("Pods", |world| Some(pods(world))).await;
    change(&cluster, json!({"template": {"spec": {"dnsPolicy": "Default"}}}), 1).await;
    // The difference has shown twice.
    assert_eq!(questions(&cluster), 4);
    cluster.wait("another Pod", |world| (pods(world) != before).then_some(())).await;
}
