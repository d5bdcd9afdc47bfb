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

    /// A Pod is free, as the server says. Where the watch has shown so before, nothing is left to wait for.
    pub(super) fn released(&mut self, uid: &str) {
        if let Some(is_free) = self.pods.get_mut(uid) {
            *is_free = true;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_watch_shows_is_old_until_it_shows_that_the_pod_is_free() {
        let (mut released, uid) = (Released::default(), Arc::from("u-1"));
        released.releasing(&uid);
        assert!(!released.is_free(&uid) && released.has(&uid));
        released.released(&uid);
        assert!(released.is_free(&uid));
        assert_eq!((released.depart(&uid), released.has(&uid)), (Some(true), false));
    }

    #[test]
    fn where_the_watch_shows_it_before_the_server_says_so_nothing_is_old() {
        let (mut released, uid) = (Released::default(), Arc::from("u-1"));
        released.releasing(&uid);
        assert_eq!(released.depart(&uid), Some(false));
        released.released(&uid);
        assert!(!released.is_free(&uid) && !released.has(&uid));
    }
}
