//! What the tests' users ask for.

use serde_json::{Value, json};

/// A workload of so many Pods, whose container has both hooks.
pub(super) fn workload(name: &str, replicas: u32) -> Value {
    let exec = || json!({"exec": {"command": ["true"]}});
    json!({
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [
                    {"name": "web", "image": "web:1", "lifecycle": {"postStart": exec(), "preStop": exec()}},
                ]},
            },
        },
    })
}

/// The change to another image.
pub(super) fn image(image: &str) -> Value {
    let exec = || json!({"exec": {"command": ["true"]}});
    json!({"spec": {"template": {"spec": {"containers": [
        {"name": "web", "image": image, "lifecycle": {"postStart": exec(), "preStop": exec()}},
    ]}}}})
}
