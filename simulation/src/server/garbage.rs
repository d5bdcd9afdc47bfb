//! The garbage collector, one action at a time.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::delete::{Options, Propagation};
use super::path::{Subresource, Target};
use super::resources::{RESOURCES, ResourceId};
use super::{ApiServer, meta};

/// An object that something is to be done about.
struct Candidate {
    resource: ResourceId,
    key: String,
    object: Arc<Value>,
}

/// The owners of an object.
#[derive(Default)]
struct Owners {
    /// Owners that are there and stay.
    solid: usize,
    /// The UIDs of owners that are not there.
    absent: Vec<String>,
    /// The UIDs of owners that wait for the object's end.
    waiting: Vec<String>,
}

enum Action {
    Delete(Propagation),
    /// These owners are struck off.
    Disown(Vec<String>),
    RemoveFinalizer(&'static str),
}

impl ApiServer {
    /// Does one thing that the garbage collector has to do, if there is any that is not refused.
    pub fn collect_garbage(&mut self, now: Timestamp) -> bool {
        if self.clean == self.version() {
            return false;
        }
        for candidate in self.candidates() {
            let Some((candidate, action)) = self.action(candidate) else { continue };
            if self.act(&candidate, action, now) {
                return true;
            }
        }
        self.clean = self.version();
        false
    }

    /// All objects with owners, or with a finalizer of the garbage collector.
    fn candidates(&self) -> Vec<Candidate> {
        let concerns = |object: &Value| {
            !meta::items(object, "ownerReferences").is_empty()
                || meta::has_finalizer(object, meta::ORPHAN)
                || meta::has_finalizer(object, meta::FOREGROUND)
        };
        let mut candidates = Vec::new();
        for resource in 0..RESOURCES.len() {
            let concerned = self.store.all(resource).filter(|(_, object)| concerns(object));
            candidates.extend(concerned.map(|(key, object)| Candidate {
                resource,
                key: key.to_owned(),
                object: object.clone(),
            }));
        }
        candidates
    }

    /// What is to be done about an object; for one whose dependents go first, about the first of them.
    fn action(&self, candidate: Candidate) -> Option<(Candidate, Action)> {
        let object = &candidate.object.clone();
        if meta::is_terminating(object) {
            if meta::has_finalizer(object, meta::ORPHAN) {
                return Some(match self.dependents(object).next() {
                    Some(dependent) => {
                        (dependent, Action::Disown(vec![meta::text(object, "uid").to_owned()]))
                    }
                    None => (candidate, Action::RemoveFinalizer(meta::ORPHAN)),
                });
            }
            // Its dependents are candidates themselves.
            let is_foreground = meta::has_finalizer(object, meta::FOREGROUND);
            let free = is_foreground && !self.dependents(object).any(|dependent| blocks(&dependent, object));
            return free.then_some((candidate, Action::RemoveFinalizer(meta::FOREGROUND)));
        }
        let owners = self.owners(object);
        let gone = !owners.absent.is_empty() || !owners.waiting.is_empty();
        if owners.solid > 0 {
            let struck = owners.absent.into_iter().chain(owners.waiting).collect();
            return gone.then_some((candidate, Action::Disown(struck)));
        }
        if !gone {
            return None;
        }
        let foreground = !owners.waiting.is_empty() && self.dependents(object).next().is_some();
        let propagation = if foreground { Propagation::Foreground } else { own_propagation(object) };
        Some((candidate, Action::Delete(propagation)))
    }

    fn owners(&self, object: &Value) -> Owners {
        let mut owners = Owners::default();
        for reference in meta::items(object, "ownerReferences") {
            let uid = reference["uid"].as_str().unwrap_or_default();
            let found = self
                .store
                .find(uid)
                .map(|(_, _, owner)| owner)
                .filter(|owner| is_within_reach(owner, object));
            match found {
                None => owners.absent.push(uid.to_owned()),
                Some(owner)
                    if meta::is_terminating(owner) && meta::has_finalizer(owner, meta::FOREGROUND) =>
                {
                    owners.waiting.push(uid.to_owned());
                }
                Some(_) => owners.solid += 1,
            }
        }
        owners
    }

    fn dependents(&self, owner: &Value) -> impl Iterator<Item = Candidate> {
        (0..RESOURCES.len()).flat_map(move |resource| {
            let all = self.store.all(resource).filter(move |(_, object)| {
                reference(object, owner).is_some() && is_within_reach(owner, object)
            });
            all.map(move |(key, object)| Candidate { resource, key: key.to_owned(), object: object.clone() })
        })
    }

    /// Whether the action was carried out.
    fn act(&mut self, candidate: &Candidate, action: Action, now: Timestamp) -> bool {
        let (namespace, name) = candidate.key.split_once('/').unwrap_or_default();
        let target = Target { resource: candidate.resource, namespace, name, subresource: Subresource::None };
        let old = &candidate.object;
        let mut new = Value::clone(old);
        match action {
            Action::Delete(propagation) => {
                return self.delete_with(&target, &Options::collect(old, propagation), now).is_ok();
            }
            Action::Disown(owners) => {
                let kept = meta::items(old, "ownerReferences").iter();
                let kept =
                    kept.filter(|one| !owners.iter().any(|uid| one["uid"] == **uid)).cloned().collect();
                meta::metadata(&mut new).insert("ownerReferences".to_owned(), Value::Array(kept));
            }
            Action::RemoveFinalizer(finalizer) => {
                let kept =
                    meta::items(old, "finalizers").iter().filter(|one| *one != finalizer).cloned().collect();
                meta::set_finalizers(&mut new, kept);
            }
        }
        self.update(&target, new, old, false).is_ok()
    }
}

fn own_propagation(object: &Value) -> Propagation {
    if meta::has_finalizer(object, meta::ORPHAN) {
        Propagation::Orphan
    } else if meta::has_finalizer(object, meta::FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    }
}

fn reference<'a>(object: &'a Value, owner: &Value) -> Option<&'a Value> {
    let uid = meta::text(owner, "uid");
    meta::items(object, "ownerReferences").iter().find(|one| one["uid"] == *uid)
}

/// An owner is in the namespace of what it owns, or in none.
fn is_within_reach(owner: &Value, object: &Value) -> bool {
    let namespace = meta::text(owner, "namespace");
    namespace.is_empty() || namespace == meta::text(object, "namespace")
}

/// Whether the owner has to wait for the dependent's end.
fn blocks(dependent: &Candidate, owner: &Value) -> bool {
    reference(&dependent.object, owner).is_some_and(|reference| reference["blockOwnerDeletion"] == true)
}
