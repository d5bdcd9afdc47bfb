//! Pods by the endpoint that their runners know.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::PodFact;

/// Pods by the endpoint that they have, as far as it can still be changed.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<u64, BTreeSet<u64>>);

impl Endpoints {
    pub(super) fn add(&mut self, fact: &PodFact) {
        if let (Some(endpoint), true, true) = (fact.live, fact.is_alive(), fact.seen) {
            self.0.entry(endpoint).or_default().insert(fact.number);
        }
    }

    pub(super) fn remove(&mut self, fact: &PodFact) {
        let Some(endpoint) = fact.live else { return };
        if let Some(pods) = self.0.get_mut(&endpoint) {
            pods.remove(&fact.number);
            if pods.is_empty() {
                self.0.remove(&endpoint);
            }
        }
    }

    /// Numbers of Pods that have an endpoint other than this one.
    pub(super) fn others(&self, endpoint: u64) -> impl Iterator<Item = u64> {
        let others = self.0.iter().filter(move |(known, _)| **known != endpoint);
        others.flat_map(|(_, pods)| pods).copied()
    }
}
