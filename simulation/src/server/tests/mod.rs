//! What holds for the server, by requests and replies.

mod deleting;
mod garbage;
mod policies;
mod reading;
mod watching;
mod writing;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ApiServer, ContentType, Reply, Request};

pub(super) const PODS: &str = "/api/v1/namespaces/ns/pods";
pub(super) const WORKLOADS: &str = "/apis/hooked.dev/v1alpha1/namespaces/ns/hookedworkloads";
pub(super) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/ns/deployments";
pub(super) const REVISIONS: &str = "/apis/apps/v1/namespaces/ns/controllerrevisions";
pub(super) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";

/// The second in which every story begins.
pub(super) const BEGIN: i64 = 1_700_000_000;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

/// A server and its clock.
pub(super) struct Story {
    pub(super) server: ApiServer,
    pub(super) second: i64,
}

impl Story {
    pub(super) fn new() -> Self {
        Self { server: ApiServer::new(), second: 0 }
    }

    pub(super) fn ask(&mut self, request: &Request) -> Reply {
        self.server.handle(request, at(self.second))
    }

    /// The request must succeed.
    #[track_caller]
    pub(super) fn done(&mut self, request: &Request) -> Value {
        let reply = self.ask(request);
        assert!(reply.is_success(), "{request:?}: {}", reply.body);
        Value::clone(&reply.body)
    }

    /// The request must fail with this code and reason; answers the message.
    #[track_caller]
    pub(super) fn refused(&mut self, request: &Request, code: u16, reason: &str) -> String {
        let reply = self.ask(request);
        assert_eq!(
            (reply.code, reply.body["reason"].as_str()),
            (code, Some(reason)),
            "{request:?}: {}",
            reply.body
        );
        assert_eq!(reply.body["code"], code);
        reply.body["message"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(super) fn create(&mut self, path: &str, object: Value) -> Value {
        self.done(&Request::create(path, object))
    }

    #[track_caller]
    pub(super) fn merge(&mut self, path: &str, change: Value) -> Value {
        self.done(&Request::patch(path, ContentType::MergePatch, change))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.server.object(path).is_some()
    }

    /// A Pod that runs on a node.
    pub(super) fn running_pod(&mut self, name: &str) -> Value {
        self.create(PODS, pod(name));
        let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": "n"}});
        self.done(&Request::create(format!("{PODS}/{name}/binding"), binding));
        self.merge(&format!("{PODS}/{name}/status"), json!({"status": {"phase": "Running"}}))
    }
}

pub(super) fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

/// A Pod with more metadata.
pub(super) fn pod_with(name: &str, metadata: &Value) -> Value {
    let mut pod = pod(name);
    pod["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    pod
}

pub(super) fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
