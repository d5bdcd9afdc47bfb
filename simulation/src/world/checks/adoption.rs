//! Pods that a workload takes over: nobody else counts them from then on, and none that may be taken over is left.

use std::sync::Arc;

use hooked_core::names::ADOPT_FROM_ANNOTATION;
use serde_json::Value;

use super::{Check, Checks, is_alive, is_carried_out, owner, revision, text, violated};
use crate::ApiServer;
use crate::world::deployment::{DEPLOYMENTS, replica_set};
use crate::world::user::{PODS, REVISIONS, WORKLOADS};
use crate::world::wire::InFlight;

impl Checks {
    /// A workload has become the controller of a Pod: there are more Pods than it has made.
    pub(super) fn note_adoption(&mut self, request: &InFlight, server: &ApiServer) {
        let Some(pod) = server.object(&request.call.path).filter(|_| is_carried_out(request)) else { return };
        self.taken_over.insert(text(pod, "uid").to_owned());
        let of = owner(pod);
        let alive = server.objects(PODS).filter(|pod| is_alive(pod) && owner(pod) == of).count();
        if let Some(book) = self.books.get_mut(of) {
            book.ceiling = book.ceiling.max(alive);
        }
    }

    /// A Pod has got a number: what happens in it from then on is its workload's to count.
    pub(super) fn note_numbered(&mut self, pod: &Value) {
        let Some(made) = self.made.get_mut(text(pod, "uid")) else { return };
        let Some(book) = self.books.get(owner(pod)) else { return };
        made.not_ours = book.ledger.marks.get(super::number(pod));
        made.is_durable = pod["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        owner(pod).clone_into(&mut made.owner);
        // What another has made is of the revision that its new owner takes it for.
        if made.revision.is_empty() {
            revision(pod).clone_into(&mut made.revision);
        }
        self.given_up.remove(text(pod, "uid"));
    }
}

/// Nothing is done to Pods for a workload that waits for others to let go of them.
pub(super) fn nothing_is_done_beside(request: &InFlight, server: &ApiServer) -> Check {
    let uid = &request.call.body["metadata"]["ownerReferences"][0]["uid"];
    let Some(workload) = server.objects(WORKLOADS).find(|known| known["metadata"]["uid"] == *uid) else {
        return Ok(());
    };
    let name = text(workload, "name");
    let is_there = |path: String| server.object(&path).is_some();
    let waits = workload["metadata"]["annotations"][ADOPT_FROM_ANNOTATION].is_string()
        && workload["status"]["ledger"]["sizes"].is_null()
        && (is_there(format!("{DEPLOYMENTS}/{name}")) || is_there(replica_set(name)));
    if waits && is_carried_out(request) {
        let what = format!("{:?} {} while its Deployment is there", request.call.verb, request.call.path);
        return violated("waits", format!("{name}: {what}"));
    }
    Ok(())
}

/// No Pod that nobody controls is left where a workload selects it and has its revision, or may have it.
pub(super) fn none_is_left_alone(server: &ApiServer) -> Check {
    let is_free = |object: &Value| owner(object).is_empty();
    let alone = |pod: &&Arc<Value>| is_free(pod) && is_alive(pod);
    for pod in server.objects(PODS).filter(alone) {
        let hash = pod["metadata"]["labels"]["pod-template-hash"].as_str().unwrap_or_default();
        let taker = server.objects(WORKLOADS).find(|workload| {
            let stored = server.object(&format!("{REVISIONS}/{}-{hash}", text(workload, "name")));
            let is_its =
                |revision: &Arc<Value>| is_free(revision) || owner(revision) == text(workload, "uid");
            workload["metadata"]["deletionTimestamp"].is_null() && stored.is_some_and(is_its)
        });
        if let Some(taker) = taker {
            let (pod, taker) = (text(pod, "name"), text(taker, "name"));
            return violated("adopted", format!("Pod {pod} is nobody's, and {taker} selects it"));
        }
    }
    Ok(())
}
