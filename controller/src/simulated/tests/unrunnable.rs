//! A hook-runner that cannot run is given up for its revision: hooks are observed, and nothing that serves is touched.

use hooked_core::names::INSTALLER_CONTAINER;
use hooked_protocol::RUNNER_PATH;
use hooked_simulation::Request;
use serde_json::{Value, json};

use crate::simulated::cluster::{Cluster, PODS, WORKLOADS, World};
use crate::simulated::operator::Operator;

/// The Pods that nobody has asked to go: name, and whether the hooks are under the runner.
fn pods(world: &World) -> Vec<(String, bool)> {
    let stays = world.pods().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let by_runner = |pod: &Value| {
        pod["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][0] == RUNNER_PATH
    };
    stays
        .map(|pod| (pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(), by_runner(pod)))
        .collect()
}

/// Has a Pod say of its postStart hook what a kubelet says where the runtime may not execute the runner.
fn forbid(cluster: &Cluster, pod: &str) {
    let message = format!(
        "Exec lifecycle hook ([{RUNNER_PATH} run -- true]) for Container \"web\" in Pod \"{pod}\" failed - error: rpc error: \
         code = Unknown desc = failed to exec in container: failed to start exec \"a\": OCI runtime exec failed: exec \
         failed: unable to start container process: exec: \"{RUNNER_PATH}\": permission denied: unknown, message: \"\""
    );
    let waiting = json!({"waiting": {"reason": "PostStartHookError", "message": message}});
    let status = json!({
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "web", "restartCount": 0, "ready": false, "state": waiting}],
    });
    cluster.merge(&format!("{PODS}/{pod}/status"), json!({"status": status}));
}

fn measured(world: &World) -> Option<Value> {
    let conditions =
        world.server.object(&format!("{WORKLOADS}/web"))?["status"]["conditions"].as_array()?.clone();
    conditions.into_iter().find(|known| known["type"] == "Measured")
}

#[tokio::test]
async fn a_runner_that_cannot_run_is_given_up_and_the_next_operator_knows() {
    let cluster = Cluster::new();
    let first = Operator::start(&cluster, "a", &[]);
    cluster.serve("web", 2).await;
    let before = pods(&cluster.shared.world.lock());
    assert!(before.iter().all(|(_, by_runner)| *by_runner), "{before:?}");
    let (stuck, serves) = (before[0].0.clone(), before[1].0.clone());
    forbid(&cluster, &stuck);
    cluster
        .wait("an observed Pod takes its place, and the one that serves stays", |world| {
            let now = pods(world);
            let is_there = |name: &str| now.iter().any(|(known, _)| known == name);
            let observed = now.iter().filter(|(_, by_runner)| !by_runner).count();
            (now.len() == 2 && !is_there(&stuck) && is_there(&serves) && observed == 1).then_some(())
        })
        .await;
    let told = cluster
        .wait("it is told", |world| measured(world).filter(|known| known["reason"] == "RunnerCannotRun"))
        .await;
    assert_eq!(told["status"], "False");
    assert!(told["message"].as_str().unwrap().contains("permission denied"), "{told}");
    cluster.wait_for_status("web", "both serve", |status| status.ready_replicas == 2).await;
    cluster
        .wait("one Event", |world| {
            let events = world.server.objects("/apis/events.k8s.io/v1/namespaces/shop/events");
            (events.filter(|event| event["reason"] == "RunnerCannotRun").count() == 1).then_some(())
        })
        .await;
    // Nothing shows it any more but the status of the workload.
    let path = format!("{PODS}/{stuck}");
    cluster.wait("it is gone", |world| world.server.object(&path).is_none().then_some(())).await;
    first.crash().await;
    let _next = Operator::start(&cluster, "b", &[]);
    cluster.merge(&format!("{WORKLOADS}/web"), json!({"spec": {"replicas": 3}}));
    let now = cluster.wait("a third Pod", |world| Some(pods(world)).filter(|now| now.len() == 3)).await;
    assert_eq!(now.iter().filter(|(_, by_runner)| !by_runner).count(), 2, "{now:?}");
    cluster.ask(&Request::delete(format!("{WORKLOADS}/web"), None));
    // No run of the stuck Pod is booked as failed.
    let totals = cluster
        .wait("all is counted", |world| {
            let events = world.server.objects("/apis/events.k8s.io/v1/namespaces/shop/events");
            events
                .filter(|event| event["reason"] == "HooksAccounted")
                .map(|event| event["note"].clone())
                .next()
        })
        .await;
    assert!(totals.as_str().unwrap().contains(" 0 failed"), "{totals}");
}

/// Has a Pod show what a kubelet shows where the runtime may not execute the runner that the Pod tries out: nothing of
/// the user's has started.
fn forbid_trial(cluster: &Cluster, pod: &str) {
    let message = format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
         unable to start container process: exec: \"{RUNNER_PATH}\": permission denied: unknown"
    );
    let ended = json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": message}});
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}});
    let waiting = json!({"waiting": {"reason": "PodInitializing"}});
    let status = json!({
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "initContainerStatuses": [
            {"name": INSTALLER_CONTAINER, "restartCount": 1, "ready": false, "state": back_off, "lastState": ended},
        ],
        "containerStatuses": [{"name": "web", "restartCount": 0, "ready": false, "state": waiting}],
    });
    cluster.merge(&format!("{PODS}/{pod}/status"), json!({"status": status}));
}

#[tokio::test]
async fn a_pod_that_has_tried_the_runner_out_in_vain_is_replaced_by_an_observed_one() {
    let cluster = Cluster::new();
    let _operator = Operator::start(&cluster, "a", &["--injection=ImageVolume"]);
    cluster.serve("web", 2).await;
    let before = pods(&cluster.shared.world.lock());
    let is_tried = |world: &World| {
        let mut pods = world.pods();
        pods.any(|pod| pod["spec"]["initContainers"][0]["name"] == INSTALLER_CONTAINER)
    };
    assert!(is_tried(&cluster.shared.world.lock()) && before.iter().all(|(_, by_runner)| *by_runner));
    let (stuck, serves) = (before[0].0.clone(), before[1].0.clone());
    forbid_trial(&cluster, &stuck);
    cluster
        .wait("an observed Pod takes its place, and the one that serves stays", |world| {
            let now = pods(world);
            let is_there = |name: &str| now.iter().any(|(known, _)| known == name);
            let observed = now.iter().filter(|(_, by_runner)| !by_runner).count();
            (now.len() == 2 && !is_there(&stuck) && is_there(&serves) && observed == 1).then_some(())
        })
        .await;
    let told = cluster
        .wait("it is told", |world| measured(world).filter(|known| known["reason"] == "RunnerCannotRun"))
        .await;
    assert!(told["message"].as_str().unwrap().contains("permission denied"), "{told}");
}
