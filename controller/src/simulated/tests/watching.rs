//! Pods that others make are watched, and nothing of theirs is changed but for an annotation.

use hooked_crd::{HookKind, HookedWorkloadStatus};
use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::fate::Fate;
use crate::simulated::manifests::workload;
use crate::simulated::operator::Operator;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";

fn owner(kind: &str, object: &Value) -> Value {
    let (name, uid) = (&object["metadata"]["name"], &object["metadata"]["uid"]);
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}])
}

/// A Deployment of that name with a ReplicaSet: nobody but the test makes their Pods.
fn deploy(cluster: &Cluster, name: &str) -> Value {
    let spec = workload(name, 2)["spec"].clone();
    let deployment = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec});
    let deployment = cluster.ask(&Request::create(DEPLOYMENTS, deployment));
    let metadata = json!({
        "name": format!("{name}-rs"), "namespace": "shop", "ownerReferences": owner("Deployment", &deployment),
    });
    let set = json!({"metadata": metadata, "spec": spec});
    (*cluster.ask(&Request::create(REPLICA_SETS, set))).clone()
}

/// Makes a Pod as the ReplicaSet would.
fn make_pod(cluster: &Cluster, set: &Value, name: &str) {
    let mut pod = workload("web", 1)["spec"]["template"].clone();
    pod["metadata"]["name"] = name.into();
    pod["metadata"]["labels"]["pod-template-hash"] = "rs".into();
    pod["metadata"]["ownerReferences"] = owner("ReplicaSet", set);
    cluster.ask(&Request::create(PODS, pod));
}

fn watch(cluster: &Cluster, name: &str, kind: &str, named: &str) {
    let referent = json!({"apiVersion": "apps/v1", "kind": kind, "name": named});
    let object = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"workloadRef": referent}});
    cluster.ask(&Request::create(WORKLOADS, object));
}

fn delete(cluster: &Cluster, pod: &str) {
    cluster.ask(&Request::delete(format!("{PODS}/{pod}"), None));
}

fn runs(status: &HookedWorkloadStatus, hook: HookKind) -> [i64; 2] {
    let counted = status.hooks.iter().filter(|known| known.hook == hook);
    counted.fold([0, 0], |[ended, unknown], known| {
        [ended + known.succeeded + known.failed, unknown + known.unknown]
    })
}

fn says(status: &HookedWorkloadStatus, type_: &str, reason: &str) -> bool {
    status.conditions.iter().any(|known| known.type_ == type_ && known.reason == reason)
}

/// Whether each Pod bears so many numbers, and nothing else that is ours.
fn bear(world: &World, numbers: usize) -> bool {
    world.pods().all(|pod| {
        let ours: Vec<&String> = pod["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys)
            .filter(|key| key.starts_with("hooked.dev/"))
            .collect();
        let labels = pod["metadata"]["labels"].as_object().into_iter().flat_map(serde_json::Map::keys);
        assert!(
            pod["metadata"]["finalizers"].is_null()
                && pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
        );
        assert!(!labels.into_iter().any(|key| key.starts_with("hooked.dev/")), "{pod}");
        ours.len() == numbers
    })
}

#[tokio::test]
async fn pods_of_a_deployment_are_watched_and_each_bears_a_number() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let set = deploy(&cluster, "web");
    watch(&cluster, "web", "Deployment", "web");
    for pod in ["web-1", "web-2"] {
        make_pod(&cluster, &set, pod);
    }
    cluster
        .wait_for_status("web", "two starts are counted", |status| {
            let is_seen = status.ready_replicas == 2 && runs(status, HookKind::PostStart) == [2, 0];
            is_seen && says(status, "Ready", "Watching") && says(status, "Measured", "MeasuredAsAsked")
        })
        .await;
    cluster.wait("each bears a number", |world| bear(world, 1).then_some(())).await;
    delete(&cluster, "web-1");
    // No Event is no proof that a preStop has succeeded.
    cluster
        .wait_for_status("web", "the stop is counted", |status| {
            status.replicas == 1 && runs(status, HookKind::PreStop) == [0, 1]
        })
        .await;
    cluster.ask(&Request::delete(format!("{WORKLOADS}/web"), None));
    cluster
        .wait("nothing holds it", |world| world.status(&format!("{WORKLOADS}/web")).is_none().then_some(()))
        .await;
}

#[tokio::test]
async fn what_was_over_before_the_workload_came_is_not_counted_and_all_since_is() {
    let cluster = Cluster::new();
    let set = deploy(&cluster, "web");
    make_pod(&cluster, &set, "old");
    cluster
        .wait("the Pod serves", |world| {
            world.pods().any(|pod| pod["status"]["phase"] == "Running").then_some(())
        })
        .await;
    // The API server's clock has whole seconds: the workload is to be younger.
    let created = |world: &World| {
        let created = world.pods().next()?["metadata"]["creationTimestamp"].as_str()?.parse().ok()?;
        Some(jiff::Timestamp::as_second(created))
    };
    let created = cluster.wait("the Pod has an age", created).await;
    while jiff::Timestamp::now().as_second() <= created {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    watch(&cluster, "web", "Deployment", "web");
    make_pod(&cluster, &set, "new");
    cluster
        .wait("the new Pod serves too", |world| {
            (world.pods().filter(|pod| pod["status"]["phase"] == "Running").count() == 2).then_some(())
        })
        .await;
    // Only now anybody looks.
    let _operator = Operator::start(&cluster, "a", &[]);
    let counted = |status: &HookedWorkloadStatus| runs(status, HookKind::PostStart).iter().sum::<i64>();
    cluster.wait_for_status("web", "the new Pod's is counted", |status| counted(status) == 1).await;
    for pod in ["old", "new"] {
        delete(&cluster, pod);
    }
    cluster
        .wait_for_status("web", "both stops are counted", |status| {
            assert_eq!(counted(status), 1);
            runs(status, HookKind::PreStop) == [0, 2]
        })
        .await;
}

#[tokio::test]
async fn a_pod_that_leaves_and_comes_back_is_counted_once() {
    let cluster = Cluster::new();
    let operator = Operator::start(&cluster, "a", &[]);
    let set = deploy(&cluster, "web");
    watch(&cluster, "web", "Deployment", "web");
    make_pod(&cluster, &set, "web-1");
    let counted = |status: &HookedWorkloadStatus, replicas: i32| {
        assert!(runs(status, HookKind::PostStart)[0] <= 1 && runs(status, HookKind::PreStop) == [0, 0]);
        status.replicas == replicas && runs(status, HookKind::PostStart) == [1, 0]
    };
    cluster.wait_for_status("web", "its start is counted", |status| counted(status, 1)).await;
    let pod = format!("{PODS}/web-1");
    cluster.merge(&pod, json!({"metadata": {"ownerReferences": null}}));
    cluster.wait_for_status("web", "it is none of the Pods", |status| counted(status, 0)).await;
    // The next operator finds it away: it is not gone.
    operator.crash().await;
    let _next = Operator::start(&cluster, "a", &[]);
    make_pod(&cluster, &set, "web-2");
    let both = |status: &HookedWorkloadStatus| runs(status, HookKind::PostStart) == [2, 0];
    cluster.wait_for_status("web", "another's start is counted", both).await;
    cluster.merge(&pod, json!({"metadata": {"ownerReferences": owner("ReplicaSet", &set)}}));
    cluster.wait_for_status("web", "it is back", |status| status.replicas == 2 && both(status)).await;
    for pod in ["web-1", "web-2"] {
        delete(&cluster, pod);
    }
    cluster
        .wait_for_status("web", "both stops are counted", |status| {
            assert!(both(status));
            runs(status, HookKind::PreStop) == [0, 2]
        })
        .await;
}

#[tokio::test]
async fn a_pod_whose_controller_cannot_be_asked_about_hurts_no_other() {
    let cluster = Cluster::new();
    let other = format!("{REPLICA_SETS}/other-rs");
    cluster.decide(move |request| if request.path == other { Fate::Refused(500) } else { Fate::Answered });
    let _operator = Operator::start(&cluster, "a", &[]);
    let (set, bad) = (deploy(&cluster, "web"), deploy(&cluster, "other"));
    make_pod(&cluster, &bad, "a-bad");
    watch(&cluster, "web", "Deployment", "web");
    make_pod(&cluster, &set, "web-1");
    cluster
        .wait_for_status("web", "its start is counted", |status| runs(status, HookKind::PostStart) == [1, 0])
        .await;
}

#[tokio::test]
async fn two_that_watch_the_same_pods_are_told_and_each_counts() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    let set = deploy(&cluster, "web");
    watch(&cluster, "one", "Deployment", "web");
    watch(&cluster, "other", "ReplicaSet", "web-rs");
    make_pod(&cluster, &set, "web-1");
    for name in ["one", "other"] {
        cluster
            .wait_for_status(name, "it is told", |status| {
                says(status, "Stalled", "WatchOverlap") && runs(status, HookKind::PostStart) == [1, 0]
            })
            .await;
    }
    cluster.wait("the Pod bears two numbers", |world| bear(world, 2).then_some(())).await;
    cluster.ask(&Request::delete(format!("{WORKLOADS}/one"), None));
    cluster.wait_for_status("other", "it is alone", |status| says(status, "Stalled", "NotStalled")).await;
}

#[tokio::test]
async fn a_workload_that_is_not_there_is_told_and_watched_when_it_comes() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    watch(&cluster, "web", "Deployment", "web");
    watch(&cluster, "none", "Unheard", "web");
    cluster.wait_for_status("web", "it is told", |status| says(status, "Ready", "ReferentNotFound")).await;
    cluster
        .wait_for_status("none", "it is told", |status| says(status, "Stalled", "ReferentKindUnknown"))
        .await;
    let set = deploy(&cluster, "web");
    make_pod(&cluster, &set, "web-1");
    cluster.wait_for_status("web", "its Pod is watched", |status| status.ready_replicas == 1).await;
}

#[tokio::test]
async fn what_cannot_be_had_of_pods_that_others_make_is_said() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &[]);
    deploy(&cluster, "web");
    let asked = [
        ("runner", json!({"measurement": "Runner"}), "RunnerUnavailable"),
        ("durable", json!({"evidence": "Durable"}), "RunnerUnavailable"),
        ("policies", json!({"policies": [{"timeoutSeconds": 5}]}), "RunnerUnavailable"),
        (
            "none",
            json!({"measurement": "Observe", "evidence": "BestEffort", "policies": []}),
            "MeasuredAsAsked",
        ),
    ];
    for (name, hooks, expect) in asked {
        let referent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let spec = json!({"workloadRef": referent, "hooks": hooks});
        let object = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec});
        cluster.ask(&Request::create(WORKLOADS, object));
        cluster.wait_for_status(name, "it is told", |status| says(status, "Measured", expect)).await;
    }
}

#[tokio::test]
async fn a_kind_that_may_not_be_read_is_told_and_hurts_no_other() {
    let cluster = Cluster::new();
    cluster.decide(
        |request| {
            if request.path.starts_with(DEPLOYMENTS) { Fate::Refused(403) } else { Fate::Answered }
        },
    );
    let _operator = Operator::start(&cluster, "a", &[]);
    let set = deploy(&cluster, "web");
    watch(&cluster, "web", "Deployment", "web");
    watch(&cluster, "other", "ReplicaSet", "web-rs");
    make_pod(&cluster, &set, "web-1");
    // The chain leads to the Deployment all the same: its Pods are watched.
    cluster
        .wait_for_status("web", "it is told", |status| {
            says(status, "Stalled", "ReferentForbidden") && status.ready_replicas == 1
        })
        .await;
    cluster.wait_for_status("other", "it is watched", |status| says(status, "Ready", "Watching")).await;
}

#[tokio::test]
async fn the_operator_may_die_at_every_write_and_each_run_is_counted_once() {
    futures::future::join_all((0..12).map(dies_at)).await;
}

/// The reply to one write is lost, and the operator dies with it.
async fn dies_at(dies_at: u32) {
    let cluster = Cluster::new();
    let set = deploy(&cluster, "web");
    watch(&cluster, "web", "Deployment", "web");
    let (died, mut has_died) = tokio::sync::mpsc::unbounded_channel();
    let mut writes = 0;
    cluster.decide(move |request| {
        if request.method == hooked_simulation::Method::Get {
            return Fate::Answered;
        }
        writes += 1;
        if writes == dies_at + 1 {
            died.send(()).ok();
            return Fate::ReplyLost;
        }
        Fate::Answered
    });
    let first = Operator::start(&cluster, "a", &[]);
    for pod in ["web-1", "web-2", "web-3"] {
        make_pod(&cluster, &set, pod);
    }
    tokio::select! {
        _ = has_died.recv() => {}
        () = cluster.wait_for_status("web", "all is counted", |status| {
            runs(status, HookKind::PostStart) == [3, 0]
        }) => {}
    }
    first.crash().await;
    let _second = Operator::start(&cluster, "a", &[]);
    cluster
        .wait_for_status("web", "three starts are counted", |status| {
            let counted = runs(status, HookKind::PostStart).iter().sum::<i64>();
            assert!(counted <= 3, "write {dies_at}: {status:?}");
            counted == 3 && status.ready_replicas == 3
        })
        .await;
    for pod in ["web-1", "web-2", "web-3"] {
        delete(&cluster, pod);
    }
    cluster
        .wait_for_status("web", "three stops are counted", |status| {
            status.replicas == 0 && runs(status, HookKind::PreStop).iter().sum::<i64>() == 3
        })
        .await;
    let world = cluster.shared.world.lock();
    assert_eq!(world.runs().len(), 6, "write {dies_at}");
}
