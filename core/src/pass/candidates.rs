//! Pods that nobody controls, and those of them that a workload may take over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::names;
use crate::workload::selector::Labels;

/// A Pod that nobody controls and that was made from a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The Pod's name.
    pub name: Arc<str>,
    /// The Pod's UID.
    pub uid: Arc<str>,
    /// The hash of the template that the Pod was made from, as its labels say.
    pub revision: Arc<str>,
    /// The Pod's labels.
    pub labels: Labels,
}

impl Orphan {
    /// The Pod with this metadata, if nobody controls the Pod, nobody has deleted it, and a label says from
    /// which template it was made. A ReplicaSet selects its Pods by that label too (`pod-template-hash`), so
    /// no controller takes over a Pod that a user has made by hand.
    pub fn of(metadata: &ObjectMeta) -> Option<Self> {
        let mut owners = metadata.owner_references.iter().flatten();
        if metadata.deletion_timestamp.is_some() || owners.any(|owner| owner.controller == Some(true)) {
            return None;
        }
        let labels = metadata.labels.as_ref()?;
        let revision =
            labels.get(names::REVISION_LABEL).or_else(|| labels.get(names::TEMPLATE_HASH_LABEL))?;
        Some(Self {
            name: metadata.name.as_deref()?.into(),
            uid: metadata.uid.as_deref()?.into(),
            revision: revision.as_str().into(),
            labels: labels.clone(),
        })
    }
}

/// A Pod that a workload may take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The Pod's name.
    pub(super) name: Arc<str>,
    /// The Pod's UID.
    pub(super) uid: Arc<str>,
    /// The revision that the Pod says it is of.
    pub(super) revision: Arc<str>,
    /// How often the Pod was seen.
    sights: u64,
    /// Until when the Pod rests that could not be taken over, and whether the server refuses it for good: then nobody
    /// waits for the Pod.
    rests: Option<(Timestamp, bool)>,
}

/// Pods that nobody controls and that the workload's selector matches. Of each only names are kept: what else is so of
/// the Pod is asked of the API server before the Pod is taken over.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// By UID.
    pods: BTreeMap<Arc<str>, Candidate>,
    /// Revisions of which the workload has none.
    foreign: BTreeSet<Arc<str>>,
    /// Whether the API server was asked for all of them.
    pub(super) were_listed: bool,
}

impl Candidates {
    /// A Pod that nobody controls was seen. Returns whether the Pod may be taken over.
    pub(super) fn show(&mut self, orphan: &Orphan) -> bool {
        let Orphan { name, uid, revision, .. } = orphan;
        let [name, uid, revision] = [name, uid, revision].map(Arc::clone);
        let sights = self.pods.get(&uid).map_or(1, |known| known.sights + 1);
        let may_be_ours = !self.foreign.contains(&revision);
        let candidate = Candidate { name, uid: Arc::clone(&uid), revision, sights, rests: None };
        self.pods.insert(uid, candidate);
        may_be_ours
    }

    /// The Pod is gone, or is somebody's.
    pub(super) fn remove(&mut self, uid: &str) {
        let Some(gone) = self.pods.remove(uid) else { return };
        let is_foreign = self.foreign.contains(&gone.revision);
        if is_foreign && self.pods.values().all(|known| known.revision != gone.revision) {
            self.foreign.remove(&gone.revision);
        }
    }

    /// The Pod as it was known then cannot be taken over. If it was seen again since, it may be.
    pub(super) fn remove_known(&mut self, known: &Candidate) {
        if self.pods.get(&known.uid).is_some_and(|now| now.sights == known.sights) {
            self.remove(&known.uid);
        }
    }

    /// The Pod could not be taken over, and is tried again at that time. Where the server refuses it for good, nobody
    /// waits for the Pod meanwhile.
    pub(super) fn rest(&mut self, uid: &str, until: Timestamp, is_refused: bool) {
        if let Some(known) = self.pods.get_mut(uid) {
            known.rests = Some((until, is_refused));
        }
    }

    /// The workload has no stored revision of that name.
    pub(super) fn is_foreign(&mut self, revision: &Arc<str>) {
        self.foreign.insert(Arc::clone(revision));
    }

    /// The workload has a stored revision of that name.
    pub(super) fn is_stored(&mut self, revision: &str) {
        self.foreign.remove(revision);
    }

    fn may_be_ours(&self) -> impl Iterator<Item = &Candidate> {
        self.pods.values().filter(|known| !self.foreign.contains(&known.revision))
    }

    /// The Pods that may be taken over, as far as is known.
    pub(super) fn adoptable(&self, now: Timestamp) -> impl Iterator<Item = &Candidate> {
        self.may_be_ours().filter(move |known| known.rests.is_none_or(|(until, _)| until <= now))
    }

    /// Whether the Pod may be taken over, as far as is known.
    pub(super) fn is_adoptable(&self, uid: &str) -> bool {
        self.pods.get(uid).is_some_and(|known| !self.foreign.contains(&known.revision))
    }

    /// The Pods that may be taken over and are waited for.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Candidate> {
        self.may_be_ours().filter(|known| !known.is_refused())
    }

    /// Whether any Pod that may be taken over is refused for good.
    pub(super) fn any_refused(&self) -> bool {
        self.may_be_ours().any(Candidate::is_refused)
    }

    /// When the next of those that rest is tried again.
    pub(super) fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let rests = self.may_be_ours().filter_map(|known| known.rests.map(|(until, _)| until));
        rests.filter(|until| *until > now).min()
    }
}

impl Candidate {
    fn is_refused(&self) -> bool {
        self.rests.is_some_and(|(_, is_refused)| is_refused)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn orphan(uid: &str, revision: &str) -> Orphan {
        let (uid, revision) = (uid.into(), revision.into());
        Orphan { name: "web".into(), uid, revision, labels: Labels::new() }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn check(candidates: &Candidates, expect: &[&str]) {
        let adoptable: Vec<&str> = candidates.adoptable(NOW).map(|known| &*known.uid).collect();
        assert_eq!(adoptable, expect);
    }

    #[test]
    fn pods_of_a_foreign_revision_wait_until_the_workload_has_it() {
        let mut candidates = Candidates::default();
        assert!(candidates.show(&orphan("u-1", "a")) && candidates.show(&orphan("u-2", "b")));
        candidates.is_foreign(&"b".into());
        check(&candidates, &["u-1"]);
        assert!(!candidates.show(&orphan("u-3", "b")));
        candidates.remove("u-1");
        check(&candidates, &[]);
        candidates.is_stored("b");
        check(&candidates, &["u-2", "u-3"]);
    }

    #[test]
    fn a_pod_that_was_seen_again_may_be_taken_over_as_it_is_now() {
        let mut candidates = Candidates::default();
        candidates.show(&orphan("u-1", "a"));
        let known = candidates.adoptable(NOW).next().cloned().unwrap();
        candidates.show(&orphan("u-1", "a"));
        candidates.remove_known(&known);
        check(&candidates, &["u-1"]);
        let known = candidates.adoptable(NOW).next().cloned().unwrap();
        candidates.remove_known(&known);
        check(&candidates, &[]);
    }

    #[test]
    fn nobody_waits_for_a_pod_that_the_server_refuses_and_it_is_tried_again() {
        let mut candidates = Candidates::default();
        let later = Timestamp::from_second(10).unwrap();
        for (is_refused, waiting) in [(false, 1), (true, 0)] {
            candidates.show(&orphan("u-1", "a"));
            candidates.rest("u-1", later, is_refused);
            check(&candidates, &[]);
            assert_eq!((candidates.waiting().count(), candidates.any_refused()), (waiting, is_refused));
            assert_eq!((candidates.adoptable(later).count(), candidates.next_try(NOW)), (1, Some(later)));
        }
    }

    fn check_orphan(change: &Value, expect: Option<&str>) {
        let mut metadata =
            json!({"name": "web-1", "uid": "u-1", "labels": {"app": "web", "pod-template-hash": "rs"}});
        metadata.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let found = Orphan::of(&serde_json::from_value(metadata).unwrap());
        assert_eq!(found.map(|orphan| orphan.revision.to_string()).as_deref(), expect, "{change}");
    }

    #[test]
    fn a_pod_that_nobody_controls_is_known_by_the_hash_of_its_template() {
        check_orphan(&json!({}), Some("rs"));
        check_orphan(
            &json!({"labels": {"hooked.dev/revision": "rev", "pod-template-hash": "rs"}}),
            Some("rev"),
        );
        check_orphan(&json!({"labels": {"app": "web"}}), None);
        check_orphan(&json!({"deletionTimestamp": "2026-11-26T00:00:00Z"}), None);
        let owned = |controller: bool| {
            let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": controller});
            json!({"ownerReferences": [owner]})
        };
        check_orphan(&owned(true), None);
        // Who owns a Pod and does not control it makes no other in its place.
        check_orphan(&owned(false), Some("rs"));
    }
}
