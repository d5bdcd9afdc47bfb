//! Going back to an earlier revision, and what is remembered of each.

use hooked_simulation::{Method, Request};
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

const REVISIONS: &str = "/apis/apps/v1/namespaces/shop/controllerrevisions";
const WEB: &str = "/apis/hooked.dev/v1alpha1/namespaces/shop/hookedworkloads/web";

/// The stored revisions: the image, the number and the change cause of each, by their numbers.
fn stored(world: &World) -> Vec<(String, i64, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut stored: Vec<_> = world
        .server
        .objects(REVISIONS)
        .map(|object| {
            let image = text(&object["data"]["template"]["spec"]["containers"][0]["image"]);
            let cause = text(&object["metadata"]["annotations"]["kubernetes.io/change-cause"]);
            (image, object["revision"].as_i64().unwrap_or_default(), cause)
        })
        .collect();
    stored.sort_by_key(|(_, number, _)| *number);
    stored
}

fn owned(stored: &[(&str, i64, &str)]) -> Vec<(String, i64, String)> {
    stored.iter().map(|(image, number, cause)| ((*image).to_owned(), *number, (*cause).to_owned())).collect()
}

/// Waits until the workload asks for an image, and all its Pods are of it.
async fn is_rolled_out(cluster: &Cluster, image: &str) {
    let what = format!("{image} is rolled out");
    let is_so = |world: &World| {
        let object = world.server.object(WEB)?;
        let asked = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        let status = world.status(WEB)?;
        let is_seen = status.observed_generation == object["metadata"]["generation"].as_i64();
        let is_complete = status.current_revision == status.update_revision && status.updated_replicas == 1;
        (asked == image && is_seen && is_complete && status.ready_replicas == 1).then_some(())
    };
    cluster.wait(&what, is_so).await;
}

/// A workload that was rolled out with these images one after the other.
async fn rolled_out(cluster: &Cluster, limit: u32, images: &[&str]) {
    let mut object = workload("web", 1);
    object["spec"]["revisionHistoryLimit"] = json!(limit);
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(images[0]);
    object["metadata"]["annotations"] = json!({"kubernetes.io/change-cause": images[0]});
    cluster.ask(&Request::create(WORKLOADS, object));
    is_rolled_out(cluster, images[0]).await;
    for tag in &images[1..] {
        roll_out(cluster, tag).await;
    }
}

/// Has an image rolled out, for which the user says why.
async fn roll_out(cluster: &Cluster, tag: &str) {
    let mut change = image(tag);
    change["metadata"] = json!({"annotations": {"kubernetes.io/change-cause": tag}});
    cluster.merge(WEB, change);
    is_rolled_out(cluster, tag).await;
}

fn ask_back(cluster: &Cluster, wanted: &str) {
    cluster.merge(WEB, json!({"metadata": {"annotations": {"hooked.dev/rollback-to": wanted}}}));
}

async fn annotation_goes(cluster: &Cluster) {
    let is_gone = |world: &World| {
        let asked = &world.server.object(WEB)?["metadata"]["annotations"]["hooked.dev/rollback-to"];
        asked.is_null().then_some(())
    };
    cluster.wait("the annotation is gone", is_gone).await;
}

async fn event(cluster: &Cluster, reason: &str) {
    let is_there = |world: &World| {
        let mut events = world.server.objects("/apis/events.k8s.io/v1/namespaces/shop/events");
        events.any(|event| event["reason"] == *reason).then_some(())
    };
    cluster.wait(&format!("an Event {reason}"), is_there).await;
}

#[tokio::test]
async fn a_revision_that_is_gone_back_to_is_numbered_anew_and_kept() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    rolled_out(&cluster, 2, &["web:a", "web:b"]).await;
    // Changes that roll nothing out take no number.
    cluster.merge(WEB, json!({"spec": {"minReadySeconds": 0}}));
    for tag in ["web:a", "web:c", "web:d"] {
        roll_out(&cluster, tag).await;
    }
    let expect = owned(&[("web:a", 3, "web:a"), ("web:c", 4, "web:c"), ("web:d", 5, "web:d")]);
    cluster.wait("b is gone", |world| (stored(world) == expect).then_some(())).await;
}

#[tokio::test]
async fn a_cause_that_is_told_later_is_kept_with_its_revision() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    rolled_out(&cluster, 10, &["web:a"]).await;
    cluster.merge(WEB, json!({"metadata": {"annotations": {"kubernetes.io/change-cause": "the first"}}}));
    let expect = owned(&[("web:a", 1, "the first")]);
    cluster.wait("the cause is kept", |world| (stored(world) == expect).then_some(())).await;
    cluster.merge(WEB, json!({"metadata": {"annotations": {"kubernetes.io/change-cause": null}}}));
    rolled_out_once_more(&cluster).await;
    let expect = owned(&[("web:a", 1, "the first"), ("web:b", 2, "")]);
    cluster.wait("no cause is made up", |world| (stored(world) == expect).then_some(())).await;
}

async fn rolled_out_once_more(cluster: &Cluster) {
    cluster.merge(WEB, image("web:b"));
    is_rolled_out(cluster, "web:b").await;
}

/// Has a workload of the images a, b and c go back to what is `wanted`, and checks what it comes to.
async fn check(wanted: &str, expect: &str, numbers: &[(&str, i64, &str)], fate: Option<Fate>) {
    let cluster = Cluster::new();
    let mut patches = 0;
    cluster.decide(move |request| {
        let is_rollback = request.method == Method::Patch
            && request.path == WEB
            && request.body.as_ref().is_some_and(Value::is_array);
        patches += u32::from(is_rollback);
        fate.filter(|_| is_rollback && patches == 1).unwrap_or(Fate::Answered)
    });
    let _operator = Operator::start(&cluster, "a", &[]);
    rolled_out(&cluster, 10, &["web:a", "web:b", "web:c"]).await;
    ask_back(&cluster, wanted);
    annotation_goes(&cluster).await;
    is_rolled_out(&cluster, expect).await;
    let numbers = owned(numbers);
    cluster.wait("it is numbered so", |world| (stored(world) == numbers).then_some(())).await;
    if fate != Some(Fate::ReplyLost) {
        event(&cluster, "RollbackDone").await;
    }
}

#[tokio::test]
async fn a_workload_goes_back_to_the_revision_that_its_annotation_means() {
    let second = [("web:a", 1, "web:a"), ("web:c", 3, "web:c"), ("web:b", 4, "web:b")];
    check("", "web:b", &second, None).await;
    check("2", "web:b", &second, None).await;
    let first = [("web:b", 2, "web:b"), ("web:c", 3, "web:c"), ("web:a", 4, "web:a")];
    check("1", "web:a", &first, None).await;
}

#[tokio::test]
async fn it_goes_back_once_though_the_reply_is_lost_or_the_patch_refused() {
    let second = [("web:a", 1, "web:a"), ("web:c", 3, "web:c"), ("web:b", 4, "web:b")];
    for fate in [Fate::ReplyLost, Fate::Refused(500), Fate::Refused(409), Fate::Refused(403)] {
        check("", "web:b", &second, Some(fate)).await;
    }
}

#[tokio::test]
async fn it_goes_back_once_though_the_process_dies_at_the_patch() {
    let cluster = Cluster::new();
    let is_rollback = |request: &Request| request.body.as_ref().is_some_and(Value::is_array);
    let operator = Operator::start(&cluster, "a", &[]);
    rolled_out(&cluster, 10, &["web:a", "web:b", "web:c"]).await;
    cluster.decide(move |request| if is_rollback(request) { Fate::Held } else { Fate::Answered });
    ask_back(&cluster, "");
    annotation_goes(&cluster).await;
    operator.crash().await;
    cluster.decide(|_| Fate::Answered);
    let _operator = Operator::start(&cluster, "b", &[]);
    is_rolled_out(&cluster, "web:b").await;
    let expect = owned(&[("web:a", 1, "web:a"), ("web:c", 3, "web:c"), ("web:b", 4, "web:b")]);
    cluster.wait("it is numbered so", |world| (stored(world) == expect).then_some(())).await;
}

#[tokio::test]
async fn whoever_cannot_go_back_is_told_why_and_asked_no_more() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    rolled_out(&cluster, 10, &["web:a"]).await;
    for (wanted, reason) in [
        ("7", "RollbackRevisionNotFound"),
        ("", "RollbackRevisionNotFound"),
        ("1", "RollbackTemplateUnchanged"),
    ] {
        ask_back(&cluster, wanted);
        annotation_goes(&cluster).await;
        event(&cluster, reason).await;
    }
    rolled_out_once_more(&cluster).await;
    cluster.merge(WEB, json!({"spec": {"paused": true}}));
    ask_back(&cluster, "1");
    annotation_goes(&cluster).await;
    event(&cluster, "RollbackRefused").await;
    is_rolled_out(&cluster, "web:b").await;
}
