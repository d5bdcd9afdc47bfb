//! What both servers are asked, one after the other.

mod others;
mod pods;

use hooked_simulation::{ContentType, Method, Request};
use serde_json::{Value, json};

/// One request, and what it tries.
pub(super) struct Ask {
    pub(super) what: &'static str,
    pub(super) request: Request,
}

impl Ask {
    /// The path of the object that the request is about; for a create it is where the object will be.
    pub(super) fn about(&self) -> String {
        let path = &self.request.path;
        let name = self.request.body.as_ref().and_then(|body| body["metadata"]["name"].as_str());
        match (self.request.method, name) {
            (Method::Post, Some(name)) => format!("{path}/{name}"),
            _ => path.trim_end_matches("/status").to_owned(),
        }
    }
}

/// The collection of the custom resource.
pub(super) fn workloads(namespace: &str) -> String {
    format!("/apis/hooked.dev/v1alpha1/namespaces/{namespace}/hookedworkloads")
}

/// The stand-in's definition: as ours in all that the server acts upon, and it takes any spec.
pub(super) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "hookedworkloads.hooked.dev"},
        "spec": {
            "group": "hooked.dev",
            "scope": "Namespaced",
            "names": {"plural": "hookedworkloads", "singular": "hookedworkload", "kind": "HookedWorkload"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }, "status": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    }},
                }},
                "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.selector",
                }},
            }],
        },
    })
}

/// Watches whose events are compared when all is done.
pub(super) fn watches(namespace: &str) -> Vec<(&'static str, Request)> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    vec![
        ("all Pods", Request::get(&pods)),
        ("Pods with a label", Request::get(&pods).with("labelSelector", "app=x")),
        ("Pods without a label", Request::get(&pods).with("labelSelector", "!app")),
        ("Pods by name", Request::get(&pods).with("fieldSelector", "metadata.name=b")),
        ("workloads", Request::get(workloads(namespace))),
        ("revisions", Request::get(format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions"))),
        ("leases", Request::get(format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))),
    ]
}

fn ask(what: &'static str, request: Request) -> Ask {
    Ask { what, request }
}

fn merge(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::MergePatch, change)
}

fn strategic(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::StrategicMergePatch, change)
}

fn json_patch(path: &str, change: Value) -> Request {
    Request::patch(path, ContentType::JsonPatch, change)
}

fn delete(path: &str, options: Value) -> Request {
    Request::delete(path, Some(options))
}

/// A Pod that no scheduler takes for its own.
fn pod(name: &str, metadata: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": name},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "busybox", "command": ["true"]}]},
    });
    if let (Some(known), Some(more)) = (pod["metadata"].as_object_mut(), metadata.as_object()) {
        known.extend(more.clone());
    }
    pod
}

fn workload(name: &str, more: &Value) -> Value {
    let mut workload = json!({
        "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "metadata": {"name": name}, "spec": {"replicas": 1},
    });
    if let (Some(known), Some(more)) = (workload.as_object_mut(), more.as_object()) {
        known.extend(more.clone());
    }
    workload
}

/// All requests.
pub(super) fn asks(namespace: &str) -> Vec<Ask> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    [
        pods::creates(&pods),
        pods::changes(&pods),
        pods::markings(&pods),
        pods::refusals(&pods),
        pods::statuses(&pods),
        pods::deletes(&pods),
        pods::lists(&pods),
        others::customs(&workloads(namespace)),
        others::others(namespace),
    ]
    .into_iter()
    .flatten()
    .collect()
}
