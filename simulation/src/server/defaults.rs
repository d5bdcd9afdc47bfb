//! The fields that the API server fills in, as far as anybody here relies on them.

use serde_json::{Value, json};

use super::meta;
use super::resources::Resource;

/// Fills in what a new object leaves open.
pub(crate) fn fill(of: &Resource, object: &mut Value) {
    match of.kind {
        "Pod" => pod_spec(object, "/spec"),
        "PodTemplate" => pod_spec(object, "/template/spec"),
        "Deployment" | "ReplicaSet" => {
            meta::child(object, "spec").entry("replicas").or_insert(json!(1));
            pod_spec(object, "/spec/template/spec");
        }
        _ => {}
    }
}

/// The status that a new object has.
pub(crate) fn status(of: &Resource, object: &Value) -> Option<Value> {
    match of.kind {
        "Pod" => Some(json!({"phase": "Pending", "qosClass": quality(&object["spec"])})),
        "Namespace" => Some(json!({"phase": "Active"})),
        "Service" => Some(json!({"loadBalancer": {}})),
        "Deployment" => Some(json!({})),
        "ReplicaSet" => Some(json!({"replicas": 0})),
        _ => None,
    }
}

fn pod_spec(object: &mut Value, place: &str) {
    let Some(Value::Object(fields)) = object.pointer_mut(place) else { return };
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("enableServiceLinks", json!(true)),
    ] {
        fields.entry(field).or_insert(value);
    }
    for list in ["initContainers", "containers"] {
        for container in fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            fill_container(container);
        }
    }
}

fn fill_container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    let policy = if tag.is_none_or(|tag| tag == "latest") { "Always" } else { "IfNotPresent" };
    let Some(fields) = container.as_object_mut() else { return };
    for (field, value) in [
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("imagePullPolicy", json!(policy)),
        ("resources", json!({})),
    ] {
        fields.entry(field).or_insert(value);
    }
    for port in fields.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if port.is_object() && port["protocol"].is_null() {
            port["protocol"] = json!("TCP");
        }
    }
}

fn quality(spec: &Value) -> &'static str {
    let containers =
        || spec["containers"].as_array().into_iter().flatten().map(|container| &container["resources"]);
    let is_set = |of: &Value| of.as_object().is_some_and(|fields| !fields.is_empty());
    let full = |of: &Value| {
        let limits = &of["limits"];
        limits["cpu"].is_string()
            && limits["memory"].is_string()
            && (of["requests"].is_null() || of["requests"] == *limits)
    };
    if containers().all(full) {
        "Guaranteed"
    } else if containers().any(|of| is_set(&of["requests"]) || is_set(&of["limits"])) {
        "Burstable"
    } else {
        "BestEffort"
    }
}
