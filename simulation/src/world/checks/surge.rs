//! Never more Pods than what is wanted and the surge.

use serde_json::Value;

use super::views::PodView;
use super::{Bounds, Check, Checks, is_alive, leads, owner, revision, text, violated};
use crate::ApiServer;
use crate::world::user::PODS;
use crate::world::wire::{InFlight, Purpose};

impl Checks {
    /// A Pod that was made is within what the specs allow that its operator may have seen. What a dead leader
    /// had under way may come on top, and so may what an earlier spec allowed and nobody has deleted yet, and
    /// what users make themselves.
    pub(super) fn within_surge(&mut self, request: &InFlight, server: &ApiServer) -> Check {
        let of = owner(&request.call.body);
        let Purpose::Pass { generation, .. } = request.purpose else { return Ok(()) };
        let is_its = |pod: &&std::sync::Arc<Value>| {
            is_alive(pod) && owner(pod) == of && !self.copies.contains(text(pod, "uid"))
        };
        let alive = server.objects(PODS).filter(is_its).count();
        let Some(book) = self.books.get_mut(of) else { return Ok(()) };
        let most = |specs: &mut dyn Iterator<Item = (&i64, &Bounds)>| specs.map(|(_, it)| it.most).max();
        let latest = book.specs.last_key_value().map_or(0, |(_, it)| it.most);
        let seen = most(&mut book.specs.range(generation..)).unwrap_or(latest);
        if !leads(request.process, server) {
            // A late create of a dead leader: it is to be removed.
            book.ceiling = book.ceiling.max(alive);
            return Ok(());
        }
        book.ceiling = if alive <= latest { latest } else { book.ceiling.max(seen) };
        if alive > book.ceiling {
            let name = text(&request.call.body, "name");
            return violated("surge", format!("{alive} Pods where {} may be, with {name}", book.ceiling));
        }
        Ok(())
    }

    /// With Recreate, no Pod comes while one of another revision may still run, as far as the operator was shown. A Pod
    /// that is taken over when sizes are committed stops none of them, as with a Deployment.
    pub(super) fn comes_alone(&self, request: &InFlight) -> Check {
        let pod = &request.call.body;
        let of = owner(pod);
        let Purpose::Pass { generation, .. } = request.purpose else { return Ok(()) };
        // A user makes Pods anew at any time, also while a request of the operator is under way.
        let bounds = self.books.get(of).and_then(|book| book.specs.get(&generation));
        if !bounds.is_some_and(|bounds| bounds.alone) {
            return Ok(());
        }
        let Some(view) = self.views.get(&request.process.operator) else { return Ok(()) };
        let is_another =
            |known: &&PodView| known.owner == of && known.revision != revision(pod) && !known.is_over;
        let is_made = |uid: &String| {
            !view.free.contains(uid) && !self.taken_over.contains(uid) && !self.copies.contains(uid)
        };
        let made = view.pods.iter().filter(|(uid, _)| is_made(uid)).map(|(_, known)| known);
        match made.into_iter().find(is_another) {
            Some(known) => {
                let name = text(pod, "name");
                violated("recreate", format!("{name} comes while {} is there", known.name))
            }
            None => Ok(()),
        }
    }
}
