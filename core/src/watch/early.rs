//! Events about Pods that no watch has shown yet: the watch of Pods may lag behind, or be interrupted.

use std::collections::{BTreeMap, VecDeque};

use crate::lifecycle::evidence::PodEvidence;

/// Events that are remembered, over all Pods. Most are about Pods that are none of ours, so the newest are kept.
const MOST: usize = 1024;

/// What Events have said of Pods that are not known.
#[derive(Debug, Default)]
pub(super) struct EarlyEvents {
    /// By the Pod's namespace and UID, the oldest first.
    of_pods: BTreeMap<(String, String), VecDeque<PodEvidence>>,
    /// The Pods of all of them, in the order in which they came.
    order: VecDeque<(String, String)>,
}

impl EarlyEvents {
    /// Remembers what an Event of `namespace` says of a Pod.
    pub(super) fn put(&mut self, namespace: &str, uid: &str, evidence: PodEvidence) {
        let pod = (namespace.to_owned(), uid.to_owned());
        self.of_pods.entry(pod.clone()).or_default().push_back(evidence);
        self.order.push_back(pod);
        if self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    /// What is known of a Pod, which stays.
    pub(super) fn read(&self, namespace: &str, uid: &str) -> Vec<PodEvidence> {
        let known = self.of_pods.get(&(namespace.to_owned(), uid.to_owned()));
        known.into_iter().flatten().cloned().collect()
    }

    /// Takes out what is known of a Pod.
    pub(super) fn take(&mut self, namespace: &str, uid: &str) -> impl Iterator<Item = PodEvidence> + use<> {
        let pod = (namespace.to_owned(), uid.to_owned());
        let known = self.of_pods.remove(&pod);
        if known.is_some() {
            self.order.retain(|other| *other != pod);
        }
        known.into_iter().flatten()
    }

    fn forget_oldest(&mut self) {
        let Some(pod) = self.order.pop_front() else { return };
        if let Some(evidence) = self.of_pods.get_mut(&pod) {
            evidence.pop_front();
            if evidence.is_empty() {
                self.of_pods.remove(&pod);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evicted(second: i64) -> PodEvidence {
        PodEvidence { evicted_at: Some(second), ..PodEvidence::default() }
    }

    fn seconds(events: &mut EarlyEvents, uid: &str) -> Vec<Option<i64>> {
        events.take("shop", uid).map(|evidence| evidence.evicted_at).collect()
    }

    #[test]
    fn what_was_said_of_a_pod_is_told_once_it_is_known_and_only_once() {
        let mut events = EarlyEvents::default();
        events.put("shop", "a", evicted(1));
        events.put("shop", "a", evicted(2));
        events.put("else", "a", evicted(3));
        assert_eq!(seconds(&mut events, "a"), [Some(1), Some(2)]);
        assert_eq!(seconds(&mut events, "a"), []);
    }

    #[test]
    fn what_was_told_does_not_push_out_what_waits() {
        let mut events = EarlyEvents::default();
        events.put("shop", "waits", evicted(0));
        for second in 1..=10_000 {
            events.put("shop", "known", evicted(second));
            assert_eq!(seconds(&mut events, "known"), [Some(second)]);
        }
        assert_eq!(seconds(&mut events, "waits"), [Some(0)]);
    }

    #[test]
    fn the_newest_are_kept_however_many_come() {
        let mut events = EarlyEvents::default();
        events.put("shop", "old", evicted(0));
        for second in 1..=10_000 {
            events.put("shop", "new", evicted(second));
        }
        assert_eq!(seconds(&mut events, "old"), []);
        let kept = seconds(&mut events, "new");
        assert_eq!((kept.len(), kept.last()), (MOST, Some(&Some(10_000))));
        assert!(events.of_pods.is_empty());
    }
}
