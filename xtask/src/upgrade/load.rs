//! The workloads that live while the operator changes: each kind of hook, and each way in which one ends.

use serde_json::{Value, json};

use super::witness::{Witness, file};

/// Their namespace.
pub(super) const NAMESPACE: &str = "upgrade";
/// How many Pods each has between the steps of the test.
pub(super) const REPLICAS: u32 = 2;
/// A workload whose container is killed again and again because its postStart hook fails.
pub(super) const CRASHING: &str = "crashing";
/// The workloads that are scaled up and down.
pub(super) const SCALED: [&str; 4] = ["measured", "observed", "slow", "failing"];
/// What hooks are called.
pub(super) const HOOKS: [&str; 2] = ["PostStart", "PreStop"];

/// All workloads.
pub(super) fn workloads(witness: &Witness) -> Vec<Value> {
    let plain = |name: &str, measurement: &str, stop: &str| {
        let lifecycle =
            json!({"postStart": noted(name, "PostStart", ""), "preStop": noted(name, "PreStop", stop)});
        workload(name, measurement, &lifecycle, witness)
    };
    let crashing = json!({"postStart": noted(CRASHING, "PostStart", "; exit 1")});
    vec![
        plain("measured", "Runner", ""),
        plain("observed", "Observe", ""),
        // Long enough that its Pods stop all the while in which one operator goes and another comes.
        plain("slow", "Runner", "; sleep 25"),
        plain("failing", "Runner", "; exit 1"),
        workload(CRASHING, "Runner", &crashing, witness),
    ]
}

/// A hook that notes its run first, and then does this.
fn noted(workload: &str, hook: &str, then: &str) -> Value {
    let script = format!("echo run >> /witness/{}{then}", file(workload, hook));
    json!({"exec": {"command": ["/bin/sh", "-c", script]}})
}

fn workload(name: &str, measurement: &str, lifecycle: &Value, witness: &Witness) -> Value {
    let container = json!({
        "name": "main",
        "image": "busybox",
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"],
        "lifecycle": lifecycle,
        "volumeMounts": [{"name": "witness", "mountPath": "/witness"}],
    });
    json!({
        "apiVersion": "hooked.dev/v1alpha1",
        "kind": "HookedWorkload",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app": name}},
            "hooks": {"measurement": measurement},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 60,
                    "containers": [container],
                    "volumes": [{"name": "witness", "hostPath": {"path": witness.path()}}],
                },
            },
        },
    })
}
