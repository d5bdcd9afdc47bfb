//! An API server that gives fixtures, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::connect::Connection;

/// The code and the body of an answer to a method, a path, a query and a body.
type Answer = dyn Fn(&str, &str, &str, &Value) -> (u16, Value) + Send + Sync;

/// The server.
pub(crate) struct Served {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Served {
    pub(crate) fn new(
        answer: impl Fn(&str, &str, &str, &Value) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Arc::new(answer), asked: Arc::default() }
    }

    /// A connection to it, in the namespace `shop`.
    pub(crate) fn connection(&self) -> Connection {
        let (answer, asked) = (Arc::clone(&self.answer), Arc::clone(&self.asked));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            async move {
                let (parts, body) = request.into_parts();
                let bytes = body.collect_bytes().await?;
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                let (method, path) = (parts.method.as_str(), parts.uri.path());
                let query = parts.uri.query().unwrap_or_default();
                asked.lock().unwrap().push(format!("{method} {path}?{query}"));
                let (code, body) = answer(method, path, query, &body);
                let body = Body::from(body.to_string().into_bytes());
                Ok::<_, tower::BoxError>(Response::builder().status(code).body(body).unwrap())
            }
        });
        Connection { client: Client::new(service, "shop"), namespace: "shop".to_owned() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// What it was asked that changes something: neither a dry run nor a review does.
    pub(crate) fn written(&self) -> Vec<String> {
        let is_written = |line: &String| {
            !line.starts_with("GET ")
                && !line.contains("dryRun=All")
                && !line.contains("/apis/authorization.k8s.io/")
        };
        self.asked().into_iter().filter(is_written).collect()
    }
}

pub(crate) fn not_found() -> (u16, Value) {
    (
        404,
        json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found"}),
    )
}

pub(crate) fn forbidden() -> (u16, Value) {
    (
        403,
        json!({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "you may not"}),
    )
}

fn list(items: &Value) -> (u16, Value) {
    (200, json!({"metadata": {}, "items": items}))
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {}, "status": {"nodeInfo": {
        "operatingSystem": "linux", "architecture": "amd64", "kubeletVersion": "v1.36.3",
        "containerRuntimeVersion": "containerd://2.2.0", "kernelVersion": "6.12.0",
    }}})
}

/// A cluster without Hooked.
pub(crate) fn bare(method: &str, path: &str, _: &str, body: &Value) -> (u16, Value) {
    let rest = path.strip_prefix("/apis/authorization.k8s.io/v1/");
    match (method, path) {
        ("GET", "/version") => (
            200,
            json!({
                "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
            }),
        ),
        ("GET", "/api/v1/nodes") => list(&json!([node("a"), node("b")])),
        ("POST", "/api/v1/namespaces/shop/pods") => (201, body.clone()),
        ("POST", _) if rest.is_some() => {
            let mut answer = body.clone();
            answer["status"] = json!({"allowed": true});
            (201, answer)
        }
        ("GET", "/apis/apps/v1/namespaces/hooked-system/deployments") => list(&json!([])),
        ("GET", _) if path.ends_with("/networkpolicies") => list(&json!([])),
        _ => not_found(),
    }
}

/// A cluster with Hooked.
pub(crate) fn installed(method: &str, path: &str, query: &str, body: &Value) -> (u16, Value) {
    match path {
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/hookedworkloads.hooked.dev" => {
            (200, serde_json::to_value(hooked_crd::custom_resource_definition().unwrap()).unwrap())
        }
        "/apis/apps/v1/namespaces/hooked-system/deployments" => {
            let container = json!({"name": "controller", "image": "hooked:1", "args": ["--leader-elect"]});
            let pod = json!({"serviceAccountName": "hooked-controller", "containers": [container]});
            list(&json!([{
                "metadata": {"name": "hooked-controller", "namespace": "hooked-system"},
                "spec": {"replicas": 1, "selector": {}, "template": {"spec": pod}},
                "status": {"availableReplicas": 1},
            }]))
        }
        "/apis/coordination.k8s.io/v1/namespaces/hooked-system/leases/hooked-controller" => {
            let renewed = format!("{:.6}", Timestamp::now());
            let spec = json!({"holderIdentity": "hooked-controller-1", "leaseDurationSeconds": 15, "renewTime": renewed});
            (200, json!({"metadata": {}, "spec": spec}))
        }
        "/api/v1/namespaces/hooked-system/services/hooked-controller-live" => {
            (200, json!({"metadata": {}, "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 8443}]}}))
        }
        "/apis/discovery.k8s.io/v1/namespaces/hooked-system/endpointslices" => {
            list(&json!([{"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.4"]}], "ports": []}]))
        }
        _ => bare(method, path, query, body),
    }
}
