//! Pods as a node shows them: an app with both hooks, and a sidecar.

use hooked_core::lifecycle::ordinal;
use hooked_core::watch::SlimPod;
use hooked_core::workload::template::pod_name;
use hooked_protocol::{Ending, Exit, Hook, Outcome, Record, RunId, State};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

/// The UID of the workload.
pub(crate) const WORKLOAD: &str = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const REVISION: &str = "6c9fbdtzkw";

/// How far a Pod has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is made, and not bound to a node.
    Pending,
    /// It is bound, and nothing is started.
    Starting,
    /// It runs, and its postStart hook has succeeded.
    Running,
    /// It was deleted, and has ended.
    Ended,
}

/// Which Pods are the workload's.
pub(crate) fn selector() -> LabelSelector {
    LabelSelector {
        match_labels: Some([("app".to_owned(), "web".to_owned())].into()),
        ..LabelSelector::default()
    }
}

/// A Pod of the workload.
pub(crate) fn pod(number: u64, stage: Stage) -> SlimPod {
    let begun = begun(number);
    let mut metadata = json!({
        "name": pod_name("web", WORKLOAD, REVISION, number), "namespace": "shop", "uid": uid(number),
        "resourceVersion": number.to_string(), "generation": 1 + i64::from(stage == Stage::Ended),
        "creationTimestamp": time(begun - 5),
        "labels": {"app": "web", "hooked.dev/revision": REVISION, "pod-template-hash": REVISION},
        "annotations": {
            "hooked.dev/ordinal": ordinal(number, WORKLOAD),
            "hooked.dev/live-address": "10.96.0.17:8443", "hooked.dev/live-ca": "PEM",
        },
        "finalizers": ["hooked.dev/accounting"],
        "ownerReferences": [{
            "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "web", "uid": WORKLOAD,
            "controller": true,
        }],
    });
    if stage == Stage::Ended {
        metadata["deletionTimestamp"] = time(begun + 530);
        metadata["deletionGracePeriodSeconds"] = json!(30);
    }
    let node = (stage != Stage::Pending).then(|| format!("node-{}", number % 100));
    let pod =
        json!({"metadata": metadata, "spec": spec(node.as_deref()), "status": status(number, begun, stage)});
    serde_json::from_value(pod).unwrap()
}

/// One of the random UIDs that the API server gives, which tell nothing of the order in which Pods were made.
pub(crate) fn uid(number: u64) -> String {
    let random = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number);
    let hex = format!("{random:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What the runner in a Pod tells of its postStart run.
pub(crate) fn post_start(number: u64) -> Record {
    let mut run = [0; 16];
    run[8..].copy_from_slice(&number.to_be_bytes());
    let mut state = State::default();
    state.begin().unwrap();
    state.end(1, Outcome::Succeeded);
    Record {
        run: RunId(run),
        container: "web".to_owned(),
        hook: Hook::PostStart,
        start: u64::try_from(begun(number)).unwrap() * 1_000_000 + 250_000,
        numbering: Some(state.numbering(1)),
        ending: Some(Ending {
            outcome: Outcome::Succeeded,
            exit: Some(Exit::Code(0)),
            duration: 1_500,
            attempts: 1,
            message: String::new(),
            output: String::new(),
        }),
    }
}

/// The second in which the containers of a Pod are started.
fn begun(number: u64) -> i64 {
    1_799_999_000 + i64::try_from(number % 97).unwrap()
}

fn spec(node: Option<&str>) -> Value {
    let hook =
        |word: &str| json!({"exec": {"command": ["/.hooked/runner/hook-runner", word, "sh", "-c", "true"]}});
    json!({
        "nodeName": node, "terminationGracePeriodSeconds": 30,
        "containers": [
            {
                "name": "web", "image": "web:1",
                "lifecycle": {"postStart": hook("PostStart=web,log,live"), "preStop": hook("PreStop=web,log")},
                "livenessProbe": {"httpGet": {"port": 80}},
            },
            {"name": "logs", "image": "logs:1"},
        ],
        "volumes": [{"name": "hooked-runner", "image": {"reference": "hooked:1"}}],
    })
}

fn status(number: u64, begun: i64, stage: Stage) -> Value {
    let condition =
        |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": time(begun + 3)});
    let container = |name: &str, nth: u64| {
        let id = format!("containerd://{:064x}", number * 2 + nth);
        let shown = match stage {
            Stage::Pending | Stage::Starting => json!({"waiting": {"reason": "ContainerCreating"}}),
            Stage::Running => json!({"running": {"startedAt": time(begun)}}),
            Stage::Ended => json!({"terminated": {
                "startedAt": time(begun), "finishedAt": time(begun + 510), "exitCode": 0, "reason": "Completed",
                "containerID": id,
            }}),
        };
        json!({"name": name, "restartCount": 0, "ready": stage == Stage::Running, "containerID": id, "state": shown})
    };
    match stage {
        Stage::Pending => json!({"phase": "Pending"}),
        Stage::Starting => json!({
            "phase": "Pending", "conditions": [condition("PodScheduled")],
            "containerStatuses": [container("logs", 0), container("web", 1)],
        }),
        Stage::Running => json!({
            "phase": "Running",
            "conditions": [
                condition("PodReadyToStartContainers"), condition("Initialized"), condition("Ready"),
                condition("ContainersReady"), condition("PodScheduled"),
            ],
            "containerStatuses": [container("logs", 0), container("web", 1)],
        }),
        Stage::Ended => json!({
            "phase": "Succeeded", "conditions": [condition("PodScheduled")],
            "containerStatuses": [container("logs", 0), container("web", 1)],
        }),
    }
}

fn time(second: i64) -> Value {
    json!(jiff::Timestamp::from_second(second).unwrap())
}
