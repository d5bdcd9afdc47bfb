//! The Pod that is tried: one that restricted Pod Security takes, with the runner as the operator puts it in.

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::names;
use hooked_core::workload::template::{Delivery, InjectError, Runner, inject};
use serde_json::{Value, json};

/// Its container.
pub(super) const CONTAINER: &str = "check";

/// Where the runner lies in a container that it was brought to.
pub(super) fn program() -> String {
    format!("{}/hook-runner", names::mount::RUNNER)
}

/// The Pod as a user would write it: its container has an exec hook, and so gets the runner.
pub(super) fn plain(image: &str) -> Value {
    let share = json!({"cpu": "10m", "memory": "32Mi"});
    let command = json!([program(), "check"]);
    let container = json!({
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        // What the runner complains of is then the container's message.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "lifecycle": {"preStop": {"exec": {"command": command}}},
        "resources": {"requests": share, "limits": share},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
    });
    json!({"metadata": {}, "spec": {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }})
}

/// The same with the runner in it; with the live channel, at an address that nobody connects to, if `live`.
pub(super) fn with_runner(image: &str, delivery: Delivery, live: bool) -> Result<Value, InjectError> {
    let endpoint = LiveEndpoint { address: "192.0.2.1:8443".to_owned(), ca: "PEM".to_owned() };
    let runner = Runner { image: image.to_owned(), delivery, live: live.then_some(endpoint) };
    let template = plain(image);
    Ok(inject(&template, &runner, &[])?.unwrap_or(template))
}

/// A Pod of a template.
pub(super) fn pod(template: &Value, name: &str) -> Value {
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!(name);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_where_the_pod_looks_for_it_however_it_comes() {
        assert_eq!(program(), "/.hooked/runner/hook-runner");
        for delivery in [Delivery::ImageVolume, Delivery::InitContainer] {
            let template = with_runner("hooked:1", delivery, false).unwrap();
            let container = &template["spec"]["containers"][0];
            assert_eq!(container["command"], json!([program(), "check"]));
            assert_eq!(container["volumeMounts"][0]["mountPath"], names::mount::RUNNER);
            let hook = container["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
            assert!(hook.contains(&json!("run")), "{hook:?}");
        }
    }
}
