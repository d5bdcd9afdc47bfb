//! Pods that nobody controls, for as long as they may become somebody's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::pass::Orphan;

/// A Pod: its namespace and UID.
type Key = (String, Arc<str>);

/// Pods that nobody controls: those with our label, for workloads that are not known yet, since Pods are listed before
/// workloads are; and those without that some workload selects.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    /// Those with our label.
    labelled: BTreeMap<Key, Orphan>,
    /// Those without.
    foreign: BTreeSet<Key>,
    /// Those with our label that a list which has begun has not shown yet.
    unlisted: BTreeSet<Key>,
}

impl Orphans {
    /// Nobody controls the Pod, which has our label.
    pub(super) fn show_labelled(&mut self, namespace: &str, orphan: &Orphan) {
        let key = (namespace.to_owned(), Arc::clone(&orphan.uid));
        self.unlisted.remove(&key);
        self.labelled.insert(key, orphan.clone());
    }

    /// Nobody controls the Pod, which has not our label, and which some workload selects.
    pub(super) fn show_foreign(&mut self, namespace: &str, orphan: &Orphan) {
        self.foreign.insert((namespace.to_owned(), Arc::clone(&orphan.uid)));
    }

    /// The watch of Pods with our label shows the Pod no more, or shows that it is somebody's. Returns whether it was
    /// known to be nobody's.
    pub(super) fn remove_labelled(&mut self, namespace: &str, uid: &str) -> bool {
        if self.labelled.is_empty() {
            return false;
        }
        let key = (namespace.to_owned(), Arc::from(uid));
        self.unlisted.remove(&key);
        self.labelled.remove(&key).is_some() && !self.foreign.contains(&key)
    }

    /// The same of the watch of Pods without our label.
    pub(super) fn remove_foreign(&mut self, namespace: &str, uid: &str) -> bool {
        if self.foreign.is_empty() {
            return false;
        }
        let key = (namespace.to_owned(), Arc::from(uid));
        self.foreign.remove(&key) && !self.labelled.contains_key(&key)
    }

    /// Those with our label of a namespace.
    pub(super) fn of(&self, namespace: &str) -> impl Iterator<Item = &Orphan> {
        let first = (namespace.to_owned(), Arc::from(""));
        self.labelled
            .range(first..)
            .take_while(move |((other, _), _)| other == namespace)
            .map(|(_, orphan)| orphan)
    }

    /// A complete list of Pods with our label begins.
    pub(super) fn list_begins(&mut self) {
        self.unlisted = self.labelled.keys().cloned().collect();
    }

    /// The list is complete: returns those that it has not shown.
    pub(super) fn list_ends(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.unlisted)
    }
}
