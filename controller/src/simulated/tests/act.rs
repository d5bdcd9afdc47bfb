//! What is done to Pods follows from what is committed.

use hooked_simulation::{Method, Request};
use serde_json::Value;

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS};
use crate::simulated::fate::{Fate, Sent};
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

/// The highest number that the last commit before a request has reserved.
fn reserved(before: &[Sent]) -> u64 {
    let commits = before.iter().filter(|sent| sent.has_changed("/status"));
    commits.filter_map(|sent| sent.body["status"]["ledger"]["highWater"].as_u64()).max().unwrap_or_default()
}

fn number(pod: &Value) -> u64 {
    let written = pod["metadata"]["annotations"]["hooked.dev/ordinal"].as_str();
    let number = written.and_then(|written| written.split_once('.')).map(|(number, _)| number);
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn no_pod_is_made_whose_number_is_not_committed() {
    let cluster = Cluster::new();
    // Of two commits one is lost, and nobody knows which of the two.
    let mut commits = 0;
    cluster.decide(move |request| {
        commits += u32::from(request.path.ends_with("/status"));
        let is_lost = request.path.ends_with("/status") && commits % 2 == 1;
        if is_lost { Fate::ReplyLost } else { Fate::Answered }
    });
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 4).await;
    let log = cluster.log();
    let creates =
        log.iter().enumerate().filter(|(_, sent)| sent.path.ends_with("/pods") && sent.has_changed("/pods"));
    let mut made = 0;
    for (at, create) in creates {
        let (number, reserved) = (number(&create.body), reserved(&log[..at]));
        assert!(number > 0 && number <= reserved, "number {number} above {reserved}");
        made += 1;
    }
    assert_eq!(made, 4);
}

/// A quota on `ControllerRevision`s is full, and an operator that knows nothing yet begins.
#[tokio::test]
async fn no_room_for_a_revision_keeps_no_lost_pod_from_being_replaced() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    first.crash().await;
    cluster.decide(|request| {
        let is_stored = request.method == Method::Post && request.path.ends_with("/controllerrevisions");
        if is_stored { Fate::Refused(403) } else { Fate::Answered }
    });
    cluster.merge(&format!("{WORKLOADS}/web"), image("web:2"));
    let pod = cluster.wait("a Pod", |world| Some(world.pods().next()?["metadata"]["name"].clone())).await;
    let lost = format!("{PODS}/{}", pod.as_str().unwrap());
    cluster.ask(&Request::delete(lost, None));
    let _next = Operator::start(&cluster, "b", &[]);
    let serves = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let is_ready = |known: &Value| known["type"] == "Ready" && known["status"] == "True";
        pod["metadata"]["deletionTimestamp"].is_null() && conditions.into_iter().any(is_ready)
    };
    cluster
        .wait("another of the old revision serves", |world| {
            let serving: Vec<_> = world.pods().filter(|pod| serves(pod)).collect();
            let is_old = |pod: &Value| pod["spec"]["containers"][0]["image"] == "web:1";
            (serving.len() == 2 && serving.iter().all(|pod| is_old(pod))).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_workload_in_which_nothing_happens_is_asked_for_nothing() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    cluster.ask(&Request::create(WORKLOADS, workload("web", 2)));
    cluster
        .wait_for_status("web", "all is counted", |status| {
            status.ready_replicas == 2 && status.hook_totals.succeeded == 2
        })
        .await;
    // Another workload comes and goes: whatever is still to be sent for the first one is sent by then.
    cluster.serve("other", 1).await;
    let before = cluster.log().len();
    cluster.merge(&format!("{WORKLOADS}/web"), serde_json::json!({"metadata": {"annotations": {"a": "b"}}}));
    cluster.ask(&Request::delete(format!("{WORKLOADS}/other"), None));
    let gone = |world: &crate::simulated::cluster::World| {
        world.server.object(&format!("{WORKLOADS}/other")).is_none()
    };
    cluster.wait("the other is gone", |world| gone(world).then_some(())).await;
    let of_web = |sent: &&Sent| sent.path.ends_with("/web/status") || sent.body["metadata"]["name"] == "web";
    let sent: Vec<Sent> = cluster.log()[before..].iter().filter(of_web).cloned().collect();
    assert!(sent.is_empty(), "{sent:?}");
}
