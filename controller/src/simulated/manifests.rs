//! What the tests' users ask for.

use hooked_core::names;
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

/// The template of a workload as another operator has stored it, as a revision of that name.
pub(super) fn revision(revision: &str, workload: &Value) -> Value {
    let (name, uid) = (&workload["metadata"]["name"], &workload["metadata"]["uid"]);
    json!({
        "metadata": {
            "name": format!("{}-{revision}", name.as_str().unwrap_or_default()), "namespace": "shop",
            "labels": {names::REVISION_LABEL: revision, names::WORKLOAD_UID_LABEL: uid},
            "ownerReferences": [{
                "apiVersion": names::API_VERSION, "kind": names::KIND, "name": name, "uid": uid,
                "controller": true,
            }],
        },
        "revision": 1,
        "data": {"template": workload["spec"]["template"]},
    })
}
