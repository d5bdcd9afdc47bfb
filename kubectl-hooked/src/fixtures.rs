//! What tests of several rooms look at: a workload, its Pods and its runs.

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::overview::PodRow;

pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:05:00Z".parse().unwrap()
}

/// A Pod of the workload `web`, with that in its status, and with changes of its metadata.
pub(crate) fn pod(name: &str, revision: &str, status: &Value, metadata: &Value) -> PodRow {
    let mut pod = json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"), "creationTimestamp": "2026-11-22T10:00:00Z",
            "labels": {"hooked.dev/revision": revision, "hooked.dev/ordinal": "1"},
        },
        "spec": {"nodeName": "n1", "terminationGracePeriodSeconds": 30, "containers": [{"name": "web", "lifecycle": {
            "postStart": {"exec": {"command": ["/bin/true"]}}, "preStop": {"exec": {"command": ["/bin/true"]}},
        }}]},
        "status": status,
    });
    for (field, value) in metadata.as_object().unwrap() {
        pod["metadata"][field] = value.clone();
    }
    PodRow::of(&serde_json::from_value(pod).unwrap(), now())
}

pub(crate) fn running() -> Value {
    json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T10:00:03Z"}],
        "containerStatuses": [{"name": "web", "restartCount": 0, "state": {"running": {"startedAt": "2026-11-22T10:00:01Z"}}}],
    })
}

pub(crate) fn waiting() -> Value {
    json!({
        "phase": "Running",
        "containerStatuses": [{
            "name": "web", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 0, "containerID": "c", "startedAt": "2026-11-22T10:00:01Z", "finishedAt": "2026-11-22T10:00:02Z"}},
        }],
    })
}

pub(crate) fn run(pod: &str, hook: &str, outcome: &str, more: &Value) -> Value {
    let mut run = json!({
        "pod": pod, "podUID": format!("uid-{pod}"), "container": "web", "restartCount": 3, "execution": 4,
        "hook": hook, "handler": "Exec", "outcome": outcome, "source": "Runner", "output": "secret",
    });
    for (field, value) in more.as_object().unwrap() {
        run[field] = value.clone();
    }
    run
}

/// A ControllerRevision of the workload `web`.
pub(crate) fn revision(name: &str, number: i64, data: &Value, change_cause: Option<&str>) -> Value {
    json!({
        "metadata": {
            "name": format!("web-{name}"), "creationTimestamp": "2026-11-22T10:00:00Z",
            "labels": {"hooked.dev/revision": name, "hooked.dev/workload-uid": "w"},
            "annotations": {"kubernetes.io/change-cause": change_cause},
            "ownerReferences": [{"uid": "w"}],
        },
        "revision": number, "data": data,
    })
}

pub(crate) fn workload(status: &Value) -> HookedWorkload {
    serde_json::from_value(json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
        "metadata": {"name": "web", "namespace": "shop", "generation": 2, "uid": "w"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": {}},
        "status": status,
    }))
    .unwrap()
}
