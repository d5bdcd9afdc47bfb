//! Nothing is done to Pods that does not follow from what is committed, and no number is given twice.

use hooked_crd::HookKind;
use hooked_protocol::Hook;

use super::{Check, Checks, leads, number, owner, revision, text, violated};
use crate::ApiServer;
use crate::kubelet::{HookRun, Nodes};
use crate::world::wire::{InFlight, Purpose};

/// The hook as users name it.
pub(super) fn kind(hook: Hook) -> HookKind {
    if hook == Hook::PostStart { HookKind::PostStart } else { HookKind::PreStop }
}

impl Checks {
    pub(super) fn create_follows_commit(&self, request: &InFlight, server: &ApiServer) -> Check {
        let pod = &request.call.body;
        let owner = owner(pod);
        let Some(book) = self.books.get(owner) else { return Ok(()) };
        let (number, name) = (number(pod), text(pod, "name"));
        if number > book.ledger.high_water {
            let high = book.ledger.high_water;
            return violated("reserved", format!("{name} is made, above the committed number {high}"));
        }
        let size = book.ledger.sizes.as_ref().map_or(0, |sizes| sizes.get(revision(pod)));
        if leads(request.process, server) && size == 0 {
            return violated("sized", format!("{name} is made of a revision that is to have none"));
        }
        Ok(())
    }

    pub(super) fn number_is_new(&mut self, owner: &str, number: u64, uid: &str) -> Check {
        match self.numbers.insert((owner.to_owned(), number), uid.to_owned()) {
            Some(before) if before != uid => {
                violated("numbers", format!("number {number} was that of Pod {before}"))
            }
            _ => Ok(()),
        }
    }

    /// A Pod is set free only when every run in it is marked that was over when its operator was shown it last. What
    /// happens in it later is nobody's.
    pub(super) fn set_free_follows_count(
        &mut self,
        request: &InFlight,
        server: &ApiServer,
        nodes: &Nodes,
    ) -> Check {
        let Some(pod) = server.object(&request.call.path) else { return Ok(()) };
        let uid = text(pod, "uid");
        if request.call.body["metadata"]["uid"] != *uid {
            return Ok(());
        }
        let is_new = self.given_up.insert(uid.to_owned());
        let Some(view) = self.views.get(&request.process.operator).filter(|_| is_new) else { return Ok(()) };
        let Some(book) = self.made.get(uid).and_then(|made| self.books.get(&made.owner)) else {
            return Ok(());
        };
        let marks = book.ledger.marks.get(number(pod));
        let is_lost = |run: &&HookRun| {
            let mark = marks.of(&run.container);
            let marked = if run.hook == Hook::PostStart { mark.post_start } else { mark.end };
            run.instance > marked && run.instance < view.latest_instance(uid, &run.container)
        };
        match nodes.truth().runs_of(uid).find(is_lost) {
            Some(run) => {
                let HookRun { hook, container, instance, .. } = run;
                let name = text(pod, "name");
                violated(
                    "free",
                    format!("{name} is set free, {hook:?} of {container}'s instance {instance} not counted"),
                )
            }
            None => Ok(()),
        }
    }

    /// A finalizer goes only when every run in the Pod is marked, as far as its kubelet has told of its end.
    pub(super) fn release_follows_count(
        &mut self,
        request: &InFlight,
        server: &ApiServer,
        nodes: &Nodes,
    ) -> Check {
        let body = &request.call.body["metadata"];
        let is_orphaned = !body["ownerReferences"].is_null() || request.purpose == Purpose::Sweep;
        let Some(pod) = server.object(&request.call.path) else { return Ok(()) };
        let uid = text(pod, "uid");
        if is_orphaned || body["uid"] != *uid {
            return Ok(());
        }
        let view = self.views.get(&request.process.operator).and_then(|view| view.pods.get(uid));
        if view.is_none_or(|pod| !pod.is_over) {
            // Its kubelet was silent for too long, as far as the operator was shown.
            self.given_up.insert(uid.to_owned());
            return Ok(());
        }
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        if server.object(&format!("/api/v1/nodes/{node}")).is_none() {
            return Ok(());
        }
        let Some(book) = self.made.get(uid).and_then(|made| self.books.get(&made.owner)) else {
            return Ok(());
        };
        let marks = book.ledger.marks.get(number(pod));
        let is_marked = |run: &HookRun| {
            let mark = marks.of(&run.container);
            run.instance <= if run.hook == Hook::PostStart { mark.post_start } else { mark.end }
        };
        match nodes.truth().runs_of(uid).find(|run| !is_marked(run)) {
            Some(run) => {
                let HookRun { hook, container, instance, .. } = run;
                let name = text(pod, "name");
                let by = (&request.process, &request.purpose);
                let what = format!(
                    "{name} is let go, {hook:?} of {container}'s instance {instance} not counted ({by:?})"
                );
                violated("finalizer", what)
            }
            None => Ok(()),
        }
    }
}
