//! What an operator asks for when it begins: hardly anything of workloads to which nothing is done, and of others what
//! it must know before it does anything.

use hooked_simulation::{Method, Request};
use serde_json::json;

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::{Fate, Sent, count};
use crate::simulated::manifests::{image, workload};
use crate::simulated::operator::Operator;

fn path(name: &str) -> String {
    format!("{WORKLOADS}/{name}")
}

fn is_of_pod(sent: &Sent, name: &str) -> bool {
    let is_create = sent.method == Method::Post && sent.path == PODS;
    is_create && sent.body["metadata"]["ownerReferences"][0]["name"] == name
}

/// Dry runs of Pods of a workload.
fn is_question(sent: &Sent, name: &str) -> bool {
    is_of_pod(sent, name) && sent.is_dry_run
}

/// Pods of a workload that are really made.
fn is_create(sent: &Sent, name: &str) -> bool {
    is_of_pod(sent, name) && !sent.is_dry_run
}

fn is_list(sent: &Sent) -> bool {
    sent.method == Method::Get && sent.path.ends_with("/controllerrevisions")
}

/// Whether it is about the workload, its revisions or its Pods.
fn is_about(sent: &Sent, name: &str) -> bool {
    let parts = sent.path.split('/').any(|part| part == name || part.starts_with(&format!("{name}-")));
    parts || sent.body["metadata"]["ownerReferences"][0]["name"] == name
}

/// What an operator has sent.
fn sent_by(cluster: &Cluster, operator: &str) -> Vec<Sent> {
    cluster.log().into_iter().filter(|sent| sent.by == operator).collect()
}

/// Workloads of so many Pods serve and all is told of them; then their operator is gone.
async fn left_by_their_operator(cluster: &Cluster, names: &[&str], replicas: u32) {
    let first = Operator::start(cluster, "a", &[]);
    for name in names {
        cluster.serve(name, replicas).await;
    }
    for name in names {
        cluster
            .wait_for_status(name, "it is told that all is done", |status| {
                let mut conditions = status.conditions.iter();
                let is_ready = conditions.any(|known| known.type_ == "Ready" && known.status == "True");
                is_ready && status.hook_totals.succeeded == i64::from(replicas)
            })
            .await;
    }
    first.crash().await;
}

/// The next operator begins with workloads that serve, and has them done.
async fn begin(cluster: &Cluster, flags: &[&str]) -> Operator {
    let next = Operator::start(cluster, "b", flags);
    // It takes several passes of one that comes last: those of the others are over.
    cluster.serve("last", 1).await;
    next
}

/// What an operator with these flags sends until it has begun with so many workloads.
async fn begun_with(names: &[&str], flags: &[&str]) -> Vec<Sent> {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, names, 2).await;
    let _next = begin(&cluster, flags).await;
    sent_by(&cluster, "b").into_iter().filter(|sent| !is_about(sent, "last")).collect()
}

#[tokio::test]
async fn an_operator_that_begins_asks_little_of_workloads_that_serve() {
    let names = ["one", "two", "three", "four", "five"];
    for flags in [&[][..], &["--namespace=shop"]] {
        let log = begun_with(&names, flags).await;
        for name in names {
            let about: Vec<&Sent> = log.iter().filter(|sent| is_about(sent, name)).collect();
            let told = about.iter().filter(|sent| sent.path.ends_with("/status")).count();
            assert!(about.len() == told && told <= 1, "{about:?}");
        }
        // One list for all, and one of the workload that comes last.
        assert_eq!(count(&log, is_list), 2, "{flags:?}");
    }
}

#[tokio::test]
async fn where_stored_revisions_cannot_be_listed_at_once_each_workloads_are() {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, &["one", "two"], 1).await;
    cluster.decide(|request| {
        let is_of_all = request.path == "/apis/apps/v1/controllerrevisions";
        if is_of_all { Fate::Refused(500) } else { Fate::Answered }
    });
    let _next = begin(&cluster, &[]).await;
    let log = sent_by(&cluster, "b");
    assert_eq!(count(&log, is_list), 4);
    assert_eq!(count(&log, |sent| is_question(sent, "one") || is_question(sent, "two")), 0);
}

/// How many dry runs there were of Pods of `web`; the API server was asked before any Pod was made.
fn asked_first(log: &[Sent]) -> usize {
    let question = log.iter().position(|sent| is_question(sent, "web"));
    let create = log.iter().position(|sent| is_create(sent, "web"));
    assert!(question.is_some() && (create.is_none() || question < create), "{log:?}");
    count(log, |sent| is_question(sent, "web"))
}

#[tokio::test]
async fn a_workload_at_rest_that_loses_a_pod_is_asked_about_before_another_is_made() {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, &["web"], 2).await;
    let _next = begin(&cluster, &[]).await;
    assert_eq!(count(&sent_by(&cluster, "b"), |sent| is_about(sent, "web") && sent.is_dry_run), 0);
    let of_web = |world: &World| {
        let mut pods = world.pods().filter(|pod| pod["metadata"]["labels"]["app"] == "web");
        Some(pods.next()?["metadata"]["name"].as_str()?.to_owned())
    };
    let lost = format!("{PODS}/{}", cluster.wait("a Pod", of_web).await);
    cluster.ask(&Request::delete(&*lost, None));
    cluster.wait("it is gone", |world| world.server.object(&lost).is_none().then_some(())).await;
    cluster.wait_for_status("web", "another serves", |status| status.ready_replicas == 2).await;
    let log = sent_by(&cluster, "b");
    assert_eq!((asked_first(&log), count(&log, |sent| is_create(sent, "web"))), (1, 1));
}

#[tokio::test]
async fn a_workload_at_rest_that_is_scaled_is_asked_about_once() {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, &["web"], 1).await;
    let _next = begin(&cluster, &[]).await;
    for replicas in 2..=4 {
        cluster.merge(&path("web"), json!({"spec": {"replicas": replicas}}));
        cluster.wait_for_status("web", "it is scaled", |status| status.ready_replicas == replicas).await;
    }
    assert_eq!(asked_first(&sent_by(&cluster, "b")), 1);
}

#[tokio::test]
async fn a_template_that_was_changed_while_no_operator_lived_is_asked_about() {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, &["web"], 2).await;
    cluster.merge(&path("web"), image("web:2"));
    let _next = Operator::start(&cluster, "b", &[]);
    cluster
        .wait_for_status("web", "it is rolled out", |status| {
            let counts = [status.updated_replicas, status.ready_replicas, status.replicas];
            status.observed_generation == Some(2) && counts == [2; 3]
        })
        .await;
    assert_eq!(asked_first(&sent_by(&cluster, "b")), 1);
}

#[tokio::test]
async fn a_refused_template_is_asked_about_by_the_next_operator_too() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let mut template = workload("web", 2)["spec"]["template"].take();
    template["spec"]["containers"][0]["imagee"] = json!("web:2");
    cluster.merge(&path("web"), json!({"spec": {"template": template}}));
    let is_refused = |status: &hooked_crd::HookedWorkloadStatus| {
        status.conditions.iter().any(|known| known.type_ == "Stalled" && known.reason == "InvalidTemplate")
    };
    cluster.wait_for_status("web", "it is refused", is_refused).await;
    first.crash().await;
    let _next = begin(&cluster, &[]).await;
    assert!(asked_first(&sent_by(&cluster, "b")) >= 1);
    cluster.wait_for_status("web", "it is refused still", |status| is_refused(status)).await;
    assert_eq!(count(&sent_by(&cluster, "b"), |sent| is_create(sent, "web")), 0);
}

#[tokio::test]
async fn a_rollout_that_stands_still_is_asked_about_by_the_next_operator() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let mut change = image("web:2");
    // No Pod of the new revision becomes available.
    change["spec"]["minReadySeconds"] = json!(3600);
    cluster.merge(&path("web"), change);
    let stands = |status: &hooked_crd::HookedWorkloadStatus| status.updated_replicas == 1;
    cluster.wait_for_status("web", "it has begun", stands).await;
    first.crash().await;
    let _next = begin(&cluster, &[]).await;
    assert_eq!(asked_first(&sent_by(&cluster, "b")), 1);
    assert_eq!(count(&sent_by(&cluster, "b"), |sent| is_create(sent, "web")), 0);
}

#[tokio::test]
async fn the_first_pass_over_many_pods_asks_no_more_than_over_few() {
    let cluster = Cluster::new();
    left_by_their_operator(&cluster, &["web"], 60).await;
    let _next = begin(&cluster, &[]).await;
    let log = sent_by(&cluster, "b");
    let about: Vec<&Sent> = log.iter().filter(|sent| is_about(sent, "web")).collect();
    assert!(about.len() <= 1 && about.iter().all(|sent| sent.path.ends_with("/status")), "{about:?}");
}
