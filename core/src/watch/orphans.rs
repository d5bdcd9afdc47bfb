//! Pods of ours that nobody controls, for workloads that are not known yet: Pods are listed before workloads are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pass::Orphan;

/// Pods with our label that nobody controls.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    /// By namespace and UID.
    pods: BTreeMap<String, BTreeMap<Arc<str>, Orphan>>,
}

impl Orphans {
    /// Nobody controls the Pod.
    pub(super) fn show(&mut self, namespace: &str, orphan: &Orphan) {
        let pods = self.pods.entry(namespace.to_owned()).or_default();
        pods.insert(Arc::clone(&orphan.uid), orphan.clone());
    }

    /// The Pod is gone, or is somebody's.
    pub(super) fn remove(&mut self, namespace: &str, uid: &str) {
        let Some(pods) = self.pods.get_mut(namespace) else { return };
        pods.remove(uid);
        if pods.is_empty() {
            self.pods.remove(namespace);
        }
    }

    /// Those of a namespace.
    pub(super) fn of(&self, namespace: &str) -> impl Iterator<Item = &Orphan> {
        self.pods.get(namespace).into_iter().flat_map(BTreeMap::values)
    }
}
