//! How much is asked of the API server: no more because there are more Pods, or more news of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Instant;

use hooked_simulation::kubelet::Step;
use hooked_simulation::{Method, Request};
use serde_json::json;

use crate::simulated::cluster::{Cluster, WORKLOADS};
use crate::simulated::fate::{Sent, count};
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

fn web() -> String {
    format!("{WORKLOADS}/web")
}

/// Dry runs of Pods.
fn is_question(sent: &Sent) -> bool {
    sent.is_dry_run && sent.path.ends_with("/pods")
}

/// Dry runs of templates.
fn is_comparison(sent: &Sent) -> bool {
    sent.is_dry_run && sent.path.ends_with("/podtemplates")
}

/// A read of one stored revision.
fn is_read(sent: &Sent) -> bool {
    sent.method == Method::Get && sent.path.contains("/controllerrevisions/")
}

fn is_store(sent: &Sent) -> bool {
    sent.method == Method::Post && sent.path.ends_with("/controllerrevisions")
}

/// A workload with two Pods gets the change and then, step by step, eight Pods more: that takes so many passes at
/// least. Returns what was sent from the change on.
async fn scaled_after(change: serde_json::Value) -> Vec<Sent> {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let before = cluster.log().len();
    cluster.merge(&web(), change);
    for replicas in 3..=10 {
        cluster.merge(&web(), json!({"spec": {"replicas": replicas}}));
        cluster.wait_for_status("web", "it is scaled", |status| status.ready_replicas == replicas).await;
    }
    cluster.log().split_off(before)
}

#[tokio::test]
async fn a_refused_template_is_asked_about_once_and_not_in_every_pass() {
    let mut template = workload("web", 2)["spec"]["template"].take();
    template["spec"]["containers"][0]["imagee"] = json!("web:2");
    let begun = Instant::now();
    let log = scaled_after(json!({"spec": {"template": template}})).await;
    // With the runner, and without; and again every half a minute.
    let rounds = 1 + usize::try_from(begun.elapsed().as_secs() / 30).unwrap();
    let asked = count(&log, is_question);
    assert!((1..=2 * rounds).contains(&asked), "{asked} in {rounds} rounds");
    assert!(count(&log, is_comparison) <= 1 && count(&log, is_store) == 1, "{log:?}");
    assert!(count(&log, is_read) <= 1, "{log:?}");
}

#[tokio::test]
async fn a_paused_change_reads_the_revision_that_goes_on_once() {
    let mut change = image("web:2");
    change["spec"]["paused"] = json!(true);
    let log = scaled_after(change).await;
    assert_eq!((count(&log, is_question), count(&log, is_store)), (0, 0));
    assert_eq!((count(&log, is_read), count(&log, is_comparison)), (1, 0));
}

#[tokio::test]
async fn what_is_only_counted_is_written_once_a_second() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let mut object = workload("web", 30);
    // No Pod becomes available, and no condition changes because of one.
    object["spec"]["minReadySeconds"] = json!(3600);
    cluster.ask(&Request::create(WORKLOADS, object));
    let ready = |status: &hooked_crd::HookedWorkloadStatus| {
        (status.ready_replicas, status.hook_totals.succeeded) == (30, 30)
    };
    cluster.wait_for_status("web", "all Pods are ready and their hooks counted", ready).await;
    let (before, begun) = (cluster.log().len(), Instant::now());
    // One container after the other is killed, and its next instance runs its hook.
    let killed = RefCell::new(BTreeSet::new());
    for _ in 0..30 {
        let is_next = |step: &Step| match step {
            Step::OutOfMemory { uid, .. } => killed.borrow_mut().insert(uid.clone()),
            _ => false,
        };
        let so_far = cluster.wait("the runs until then", |world| Some(world.runs().len())).await;
        cluster.strike("a container is killed", is_next).await;
        cluster.wait("the next one's hook", |world| (world.runs().len() > so_far).then_some(())).await;
    }
    cluster.wait_for_status("web", "all is counted", |status| status.hook_totals.succeeded == 60).await;
    let log = cluster.log().split_off(before);
    let written = count(&log, |sent| sent.path.ends_with("/web/status"));
    // What begins and ends is said at once besides.
    let most = 4 + usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert!(written <= most, "{written} writes where {most} are allowed");
}

#[tokio::test]
async fn what_is_found_out_beside_a_create_is_asked_after_it() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 40).await;
    let log = cluster.log();
    // The question bears the name of the Pod beside which it is asked.
    let question = log.iter().position(is_comparison).expect("the bytes of the spec are asked for");
    let pod = &log[question].body["metadata"]["name"];
    let is_its_create = |sent: &Sent| sent.has_changed("/pods") && sent.body["metadata"]["name"] == *pod;
    let create = log.iter().position(is_its_create).expect("the Pod is created");
    assert!(create < question, "{pod} is create {create} and question {question}");
}
