//! Pods that are set free, until the watch shows that they are: what it shows of them until then is old.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods that are set free.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// By UID, with whether the server has said so.
    pods: BTreeMap<Arc<str>, bool>,
    /// Pods that a list which has begun has not shown yet.
    unlisted: BTreeSet<Arc<str>>,
}

impl Released {
    /// A Pod is about to be set free.
    pub(super) fn releasing(&mut self, uid: &Arc<str>) {
        self.pods.entry(Arc::clone(uid)).or_default();
    }

    /// A Pod is free.
    pub(super) fn released(&mut self, uid: &Arc<str>) {
        self.pods.insert(Arc::clone(uid), true);
    }

    /// Whether the watch still shows the Pod as it was before it was set free.
    pub(super) fn has(&self, uid: &str) -> bool {
        self.pods.contains_key(uid)
    }

    /// Whether a Pod that the watch shows is free by now.
    pub(super) fn is_free(&mut self, uid: &str) -> bool {
        self.unlisted.remove(uid);
        self.pods.get(uid).is_some_and(|is_free| *is_free)
    }

    /// The watch no longer shows the Pod. Returns whether the server has said that the Pod is free, where that was
    /// asked for.
    pub(super) fn depart(&mut self, uid: &str) -> Option<bool> {
        self.unlisted.remove(uid);
        self.pods.remove(uid)
    }

    pub(super) fn list_begins(&mut self) {
        self.unlisted = self.pods.keys().cloned().collect();
    }

    /// The list is complete: what it has not shown is free, as the watch sees it.
    pub(super) fn list_ends(&mut self) -> BTreeSet<Arc<str>> {
        let free = std::mem::take(&mut self.unlisted);
        self.pods.retain(|uid, _| !free.contains(uid));
        free
    }
}
