//! No delete of a Pod that serves where too few would be left, nor of one that is to live on, as far as the
//! operator was shown.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Check, Checks, is_to_orphan, owner, text, violated};
use crate::ApiServer;
use crate::world::user::{PODS, WORKLOADS};
use crate::world::wire::{InFlight, Purpose};

impl Checks {
    /// An operator that was shown that a workload leaves its Pods behind deletes none of them. Whether it leaves them
    /// can be told only by a finalizer, which another deletion takes off again.
    pub(super) fn orphans_live_on(&self, request: &InFlight, server: &ApiServer) -> Check {
        let Purpose::Pass { generation, .. } = request.purpose else { return Ok(()) };
        let Some(pod) = server.object(&request.call.path) else { return Ok(()) };
        let Some(book) = self.books.get(owner(pod)) else { return Ok(()) };
        let is_seen = book.deleted_at.is_some_and(|(at, is_orphaned)| is_orphaned && generation >= at);
        let workload = server.object(&format!("{WORKLOADS}/{}", book.name));
        if is_seen && workload.is_some_and(|workload| is_to_orphan(workload)) {
            return violated("orphans", format!("{} is deleted, and was to live on", request.call.path));
        }
        Ok(())
    }

    pub(super) fn enough_serve(&mut self, request: &InFlight, server: &ApiServer, clock: Timestamp) -> Check {
        let uid = request.call.body["preconditions"]["uid"].as_str().unwrap_or_default();
        let Purpose::Pass { generation, .. } = request.purpose else { return Ok(()) };
        let Some(view) = self.views.get_mut(&request.process.operator) else { return Ok(()) };
        let Some(victim) = view.pods.get(uid).cloned() else {
            view.deleting.insert(uid.to_owned());
            return Ok(());
        };
        let Some(book) = self.books.get(&victim.owner) else { return Ok(()) };
        let Some(bounds) = book.specs.get(&generation) else { return Ok(()) };
        let now = clock.as_second();
        // A Pod that it takes over it knows by the reply.
        let owned = server.objects(PODS).filter(|pod| owner(pod) == victim.owner);
        let owned: BTreeSet<&str> = owned.map(|pod| text(pod, "uid")).collect();
        let is_serving = |uid: &str, deleting: &BTreeSet<String>| {
            view.pods.get(uid).is_some_and(|pod| {
                (pod.owner == victim.owner || owned.contains(uid))
                    && pod.is_available(bounds.min_ready, now)
                    && !deleting.contains(uid)
            })
        };
        let did_serve = is_serving(uid, &view.deleting);
        let serving = view.pods.keys().filter(|uid| is_serving(uid, &view.deleting)).count();
        let path = format!("{WORKLOADS}/{}", book.name);
        let leaves = server.object(&path).is_none_or(|it| it["metadata"]["deletionTimestamp"].is_string());
        view.deleting.insert(uid.to_owned());
        if did_serve && !leaves && serving <= bounds.serving {
            let what = format!(
                "{} is deleted, one of {serving} that serve where {} must",
                victim.name, bounds.serving
            );
            return violated("serving", what);
        }
        Ok(())
    }
}
