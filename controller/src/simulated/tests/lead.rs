//! One operator works, and the next begins where it has ended.

use std::net::TcpListener;
use std::time::Duration;

use hooked_simulation::{Method, Request};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::simulated::cluster::{Cluster, WORKLOADS};
use crate::simulated::fate::{Fate, Sent};
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;
use crate::wiring::WiringError;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/hooked-system/leases/hooked-controller";
const ELECT: &[&str] = &["--leader-elect"];

/// Whether somebody has begun to work: it has listed Pods.
fn has_begun(log: &[Sent], name: &str) -> bool {
    log.iter().any(|sent| sent.by == name && sent.path == "/api/v1/pods")
}

/// Where in the log somebody gives the Lease back.
fn gives_back(log: &[Sent]) -> Option<usize> {
    log.iter().position(|sent| sent.has_changed("/leases/") && sent.body["spec"]["holderIdentity"] == "")
}

#[tokio::test]
async fn the_next_operator_begins_when_the_first_has_given_the_lease_back() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "first", ELECT);
    cluster.wait("the first works", |world| has_begun(&world.log, "first").then_some(())).await;
    cluster.ask(&Request::create(WORKLOADS, workload("web", 2)));
    let _second = Operator::start(&cluster, "second", ELECT);
    let looks = |sent: &&Sent| sent.by == "second" && sent.path == LEASE;
    cluster
        .wait("the second looks twice", |world| (world.log.iter().filter(looks).count() > 1).then_some(()))
        .await;
    assert!(!has_begun(&cluster.log(), "second"));
    cluster.wait_for_status("web", "two Pods serve", |status| status.ready_replicas == 2).await;
    first.stop().await.unwrap().unwrap();
    cluster.wait("the second works", |world| has_begun(&world.log, "second").then_some(())).await;
    let log = cluster.log();
    let given_back = gives_back(&log).unwrap();
    assert!(log[given_back + 1..].iter().all(|sent| sent.by != "first"), "the first sends nothing more");
    assert!(!has_begun(&log[..given_back], "second"));
}

#[tokio::test]
async fn the_lease_is_given_back_only_when_nothing_is_under_way() {
    let cluster = Cluster::new();
    cluster.decide(|request| {
        let is_create = request.method == Method::Post && request.path.ends_with("/pods");
        let is_held = is_create && !request.query.contains_key("dryRun");
        if is_held { Fate::Held } else { Fate::Answered }
    });
    let first = Operator::start(&cluster, "first", ELECT);
    cluster.ask(&Request::create(WORKLOADS, workload("web", 1)));
    let is_create = |sent: &Sent| sent.path.ends_with("/pods") && sent.has_changed("/pods");
    cluster.wait("a create is under way", |world| world.log.iter().any(is_create).then_some(())).await;
    let _second = Operator::start(&cluster, "second", ELECT);
    let looks = |log: &[Sent]| log.iter().filter(|sent| sent.by == "second" && sent.path == LEASE).count();
    cluster.wait("the second looks", |world| (looks(&world.log) > 0).then_some(())).await;
    let (stopping, seen) = (first.stop(), looks(&cluster.log()));
    // Who did not wait would give the Lease back at once, and long before the second looks again.
    let is_over = |log: &[Sent]| gives_back(log).is_some() || looks(log) > seen;
    cluster.wait("time has passed", |world| is_over(&world.log).then_some(())).await;
    cluster.release();
    stopping.await.unwrap().unwrap();
    let held_until = cluster.wait("the reply", |world| Some(world.held_until)).await;
    let given_back = gives_back(&cluster.log()).unwrap();
    assert!(held_until > 0 && held_until <= given_back, "given back with a create under way");
}

#[tokio::test]
async fn an_operator_that_cannot_renew_its_lease_sends_nothing_and_ends() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "first", ELECT);
    cluster.wait("it works", |world| has_begun(&world.log, "first").then_some(())).await;
    cluster.decide(|request| {
        let is_lease = request.path == LEASE && request.method == Method::Put;
        if is_lease { Fate::Refused(500) } else { Fate::Answered }
    });
    let outcome = first.end().await;
    assert!(matches!(outcome, Err(WiringError::Lead(_))), "{outcome:?}");
    let ended = cluster.log().len();
    cluster.decide(|_| Fate::Answered);
    cluster.ask(&Request::create(WORKLOADS, workload("web", 1)));
    let _second = Operator::start(&cluster, "second", ELECT);
    cluster.wait_for_status("web", "another does the work", |status| status.ready_replicas == 1).await;
    assert!(cluster.log()[ended..].iter().all(|sent| sent.by == "second"));
}

#[tokio::test]
async fn the_injector_answers_for_a_while_after_the_lease_was_given_back() {
    let cluster = Cluster::new();
    let secret = json!({"metadata": {"name": "hooked-controller-injector", "namespace": "hooked-system"}});
    cluster.ask(&Request::create("/api/v1/namespaces/hooked-system/secrets", secret));
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bind = format!("--inject-bind-address={address}");
    let operator = Operator::start(&cluster, "first", &["--leader-elect", &bind]);
    cluster.wait("it works", |world| has_begun(&world.log, "first").then_some(())).await;
    while TcpStream::connect(address).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
    let stopping = operator.stop();
    cluster.wait("the Lease is given back", |world| gives_back(&world.log)).await;
    assert!(TcpStream::connect(address).await.is_ok(), "API servers have not heard of it yet");
    stopping.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
