//! What the control plane does to Pods by itself, and what becomes of those whose node is no more.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::Activity;
use super::event::second;
use super::truth::RunEnd;
use super::{Nodes, merge, pod};
use crate::{ApiServer, Request};

impl Nodes {
    /// The taint of a node that does not answer evicts its Pods.
    pub(super) fn delete_by_taint(uid: &str, server: &mut ApiServer, now: Timestamp) {
        let Some(path) = find(uid, server) else { return };
        let why = "Taint manager: deleting due to NoExecute taint";
        disrupt(server, &path, ("DeletionByTaintManager", why), None, now);
        let options = json!({"preconditions": {"uid": uid}});
        server.handle(&Request::delete(path, Some(options)), now);
    }

    /// A Pod whose node is no more is failed and deleted with force.
    pub(super) fn collect_pod(uid: &str, server: &mut ApiServer, now: Timestamp) {
        let Some(path) = find(uid, server) else { return };
        let ended = server
            .object(&path)
            .is_some_and(|pod| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")));
        if !ended {
            let why = "PodGC: node no longer exists";
            disrupt(server, &path, ("DeletionByPodGC", why), Some("Failed"), now);
        }
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": uid}});
        server.handle(&Request::delete(path, Some(options)), now);
    }

    /// The node goes, and everything that ran on it.
    pub(super) fn destroy(&mut self, node: &str, server: &mut ApiServer, now: Timestamp) {
        self.by_name.remove(node);
        server.handle(&Request::delete(format!("/api/v1/nodes/{node}"), None), now);
        let lost = self.pods.values().filter(|pod| pod.node == node);
        for container in lost.flat_map(|pod| &pod.containers) {
            if let Activity::PostStart { run, .. } | Activity::PreStop { run, .. } = container.activity {
                self.truth.end_run(run, RunEnd::LostWithNode, now);
            }
        }
        self.pods.retain(|_, pod| pod.node != node);
    }
}

/// The path of the Pod with that UID.
fn find(uid: &str, server: &ApiServer) -> Option<String> {
    let pod = server.objects("/api/v1/pods").find(|pod| pod["metadata"]["uid"] == *uid)?;
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
    Some(pod::path(text("namespace"), text("name")))
}

fn disrupt(
    server: &mut ApiServer,
    path: &str,
    (reason, message): (&str, &str),
    phase: Option<&str>,
    now: Timestamp,
) {
    let mut status = json!({"conditions": [{
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
        "lastTransitionTime": second(now),
    }]});
    if let Some(phase) = phase {
        status["phase"] = Value::from(phase);
    }
    merge(server, &format!("{path}/status"), json!({"status": status}), now);
}
