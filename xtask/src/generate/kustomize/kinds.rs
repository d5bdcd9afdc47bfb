//! Kinds of Kubernetes whose lists merge in a strategic merge patch.

use serde_json::{Value, json};

use super::schema::{METADATA, POD_SPEC, POD_TEMPLATE};

/// Kinds with a Pod template, or a Pod's spec itself: group, kind, where it is, and which of the two.
const WITH_PODS: &[(&str, &str, &str, &str)] = &[
    ("", "Pod", "spec", POD_SPEC),
    ("", "PodTemplate", "template", POD_TEMPLATE),
    ("", "ReplicationController", "spec/template", POD_TEMPLATE),
    ("apps", "DaemonSet", "spec/template", POD_TEMPLATE),
    ("apps", "Deployment", "spec/template", POD_TEMPLATE),
    ("apps", "ReplicaSet", "spec/template", POD_TEMPLATE),
    ("apps", "StatefulSet", "spec/template", POD_TEMPLATE),
    ("batch", "CronJob", "spec/jobTemplate/spec/template", POD_TEMPLATE),
    ("batch", "Job", "spec/template", POD_TEMPLATE),
];

/// Other lists that merge: group, kind, field, keys.
const LISTS: &[(&str, &str, &str, &[&str])] = &[
    ("", "Service", "spec/ports", &["port", "protocol"]),
    ("", "ServiceAccount", "secrets", &["name"]),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", &["name"]),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", &["name"]),
];

/// A definition of each kind, with its name.
pub(super) fn definitions() -> Vec<(String, Value)> {
    let with_pods = WITH_PODS.iter().map(|(group, kind, path, name)| {
        let mut definition = of_kind(group, "v1", kind);
        put(&mut definition, path, reference(name));
        if *kind == "Deployment" {
            definition["properties"]["spec"]["properties"]["strategy"] = retained();
        }
        (format!("io.k8s.{kind}"), definition)
    });
    let lists = LISTS.iter().map(|(group, kind, path, keys)| {
        let mut definition = of_kind(group, "v1", kind);
        put(&mut definition, path, super::schema::merged(&json!({"type": "object"}), keys));
        (format!("io.k8s.{kind}"), definition)
    });
    let mut budget = of_kind("policy", "v1", "PodDisruptionBudget");
    put(&mut budget, "spec/selector", json!({"type": "object", "x-kubernetes-patch-strategy": "replace"}));
    with_pods.chain(lists).chain([("io.k8s.PodDisruptionBudget".to_owned(), budget)]).collect()
}

/// The definition of a kind of which nothing is said but that.
pub(super) fn of_kind(group: &str, version: &str, kind: &str) -> Value {
    json!({
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": kind}],
        "properties": {"metadata": reference(METADATA)},
    })
}

/// A strategy: fields that a patch does not name go when it names another, as those of another type do.
pub(super) fn retained() -> Value {
    json!({"type": "object", "x-kubernetes-patch-strategy": "retainKeys"})
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

/// Puts a schema at a path such as `spec/template`.
pub(super) fn put(definition: &mut Value, path: &str, schema: Value) {
    let mut place = definition;
    for step in path.split('/') {
        place = &mut place["properties"][step];
        if place.is_null() {
            *place = json!({"type": "object"});
        }
    }
    *place = schema;
}
