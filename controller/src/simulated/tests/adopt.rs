//! Pods that nobody controls are taken over as they are, and no others are made beside them.

use std::collections::BTreeSet;

use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";

fn uids(world: &World) -> BTreeSet<String> {
    world.pods().filter_map(|pod| Some(pod["metadata"]["uid"].as_str()?.to_owned())).collect()
}

fn is_owned(pod: &Value) -> bool {
    pod["metadata"]["ownerReferences"][0]["kind"] == "HookedWorkload"
}

fn is_held(pod: &Value) -> bool {
    pod["metadata"]["finalizers"] == json!(["hooked.dev/accounting"])
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|known| known["type"] == "Ready" && known["status"] == "True")
}

/// A workload of two Pods that serve is deleted, and leaves its Pods behind.
async fn leave_two(cluster: &Cluster) -> BTreeSet<String> {
    cluster.serve("web", 2).await;
    let left = uids(&cluster.shared.world.lock());
    cluster.ask(&Request::delete(WEB, Some(json!({"propagationPolicy": "Orphan"}))));
    let is_left = |world: &World| {
        let are_free = world.pods().all(|pod| !is_owned(pod) && !is_held(pod));
        (world.server.object(WEB).is_none() && are_free).then_some(())
    };
    cluster.wait("the workload is gone, and its Pods live on", is_left).await;
    left
}

#[tokio::test]
async fn pods_that_were_left_behind_are_those_of_the_next_of_that_name() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let left = leave_two(&cluster).await;
    cluster.serve("web", 2).await;
    cluster
        .wait("they are ours", |world| world.pods().all(|pod| is_owned(pod) && is_held(pod)).then_some(()))
        .await;
    assert_eq!(uids(&cluster.shared.world.lock()), left, "no Pod is made, and none goes");
    let revisions = "/apis/apps/v1/namespaces/shop/controllerrevisions";
    assert_eq!(
        cluster.shared.world.lock().server.objects(revisions).count(),
        1,
        "the revision is taken over too"
    );

    cluster.merge(WEB, json!({"spec": {"replicas": 0}}));
    cluster.wait("they go", |world| (world.pods().count() == 0).then_some(())).await;
    // What had run before they were taken over is not the workload's; what runs since is.
    cluster.wait_for_status("web", "two stops are counted", |status| status.hook_totals.succeeded == 2).await;
}

#[tokio::test]
async fn pods_of_another_template_serve_until_others_do() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let left = leave_two(&cluster).await;
    let mut next = workload("web", 2);
    next["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    cluster.ask(&Request::create(WORKLOADS, next));
    cluster
        .wait("new Pods serve, and the old ones are gone", |world| {
            let serving = world.pods().filter(|pod| is_ready(pod)).count();
            assert!((2..=3).contains(&serving), "{serving} serve");
            (serving == 2 && uids(world).is_disjoint(&left)).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_pod_whose_labels_match_again_is_taken_back() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let name = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    let path = format!("{PODS}/{}", name.as_str().unwrap());
    let of = |world: &World| world.server.object(&path).map(|pod| (**pod).clone());
    cluster.merge(&path, json!({"metadata": {"labels": {"app": "debug"}}}));
    cluster
        .wait("the Pod is free, and another serves", |world| {
            let is_free = of(world).is_some_and(|pod| !is_owned(&pod) && !is_held(&pod));
            (is_free && world.pods().filter(|pod| is_owned(pod) && is_ready(pod)).count() == 2).then_some(())
        })
        .await;
    // One more is wanted: it is there already.
    cluster.merge(&path, json!({"metadata": {"labels": {"app": "web"}}}));
    cluster.wait("the Pod is ours", |world| of(world).filter(is_owned).map(drop)).await;
    cluster.wait("none is too many", |world| (world.pods().count() == 2).then_some(())).await;
}

#[tokio::test]
async fn a_pod_that_lost_its_owner_while_no_operator_ran_is_taken_back() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let before = uids(&cluster.shared.world.lock());
    operator.crash().await;
    let name = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    let path = format!("{PODS}/{}", name.as_str().unwrap());
    cluster.merge(&path, json!({"metadata": {"ownerReferences": null}}));

    let _operator = Operator::start(&cluster, "a", &[]);
    cluster
        .wait("both are ours", |world| world.pods().all(|pod| is_owned(pod) && is_held(pod)).then_some(()))
        .await;
    cluster.serve("other", 1).await;
    let world = cluster.shared.world.lock();
    assert!(before.is_subset(&uids(&world)) && world.pods().count() == 3, "no other was made");
}

#[tokio::test]
async fn what_may_not_be_taken_over_keeps_nothing_from_being_made() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let left = leave_two(&cluster).await;
    cluster.decide(|request| {
        let is_change = request.method == Method::Patch && request.path.contains("/controllerrevisions/");
        if is_change { Fate::Refused(422) } else { Fate::Answered }
    });
    cluster.serve("web", 2).await;
    let world = cluster.shared.world.lock();
    assert!(left.is_subset(&uids(&world)), "those that are nobody's live on");
    assert_eq!(world.pods().filter(|pod| is_owned(pod)).count(), 2);
}

#[tokio::test]
async fn a_workload_that_is_deleted_before_all_is_taken_over_goes_all_the_same() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    leave_two(&cluster).await;
    // One is taken over, and the server fails on the other.
    let mut first = None;
    cluster.decide(move |request| {
        let takes_over = request.method == Method::Patch
            && request.path.starts_with(PODS)
            && request.body.as_ref().is_some_and(|body| body["metadata"]["ownerReferences"].is_array());
        let is_first = !takes_over || *first.get_or_insert_with(|| request.path.clone()) == request.path;
        if is_first { Fate::Answered } else { Fate::Refused(500) }
    });
    cluster.ask(&Request::create(WORKLOADS, workload("web", 2)));
    let owned = |world: &World| world.pods().filter(|pod| is_owned(pod)).count();
    cluster.wait("one is the workload's", |world| (owned(world) == 1).then_some(())).await;
    operator.crash().await;

    cluster.ask(&Request::delete(WEB, None));
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.wait("the workload goes", |world| world.server.object(WEB).is_none().then_some(())).await;
    cluster
        .wait("with its Pod, and not with the other", |world| (world.pods().count() == 1).then_some(()))
        .await;
}

#[tokio::test]
async fn a_pod_is_taken_over_though_it_changes_or_the_reply_is_lost() {
    for fate in [Fate::Refused(409), Fate::ReplyLost] {
        let cluster = Cluster::new();
        let _operator = Operator::start(&cluster, "a", &[]);
        let left = leave_two(&cluster).await;
        let mut met = BTreeSet::new();
        cluster.decide(move |request| {
            let takes_over = request.method == Method::Patch
                && request.path.starts_with(PODS)
                && request.body.as_ref().is_some_and(|body| body["metadata"]["ownerReferences"].is_array());
            if takes_over && met.insert(request.path.clone()) { fate } else { Fate::Answered }
        });
        cluster.serve("web", 2).await;
        cluster.wait("they are ours", |world| world.pods().all(|pod| is_owned(pod)).then_some(())).await;
        assert_eq!(uids(&cluster.shared.world.lock()), left, "{fate:?}: no Pod is made, and none goes");
    }
}
