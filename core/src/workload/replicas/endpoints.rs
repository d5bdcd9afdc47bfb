//! Pods by the endpoint that their runners know.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::fact::PodFact;
use crate::number_set::NumberSet;

/// Pods by the endpoint that they have, as far as it can still be changed.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<NonZeroU64, NumberSet>);

impl Endpoints {
    pub(super) fn add(&mut self, fact: &PodFact) {
        if let (Some(endpoint), true, true) = (fact.live, fact.is_alive(), fact.seen) {
            self.0.entry(endpoint).or_default().insert(fact.number);
        }
    }

    pub(super) fn remove(&mut self, fact: &PodFact) {
        let Some(endpoint) = fact.live else { return };
        if let Some(pods) = self.0.get_mut(&endpoint) {
            pods.remove(fact.number);
            if pods.is_empty() {
                self.0.remove(&endpoint);
            }
        }
    }

    /// Numbers of Pods that have an endpoint other than this one.
    pub(super) fn others(&self, endpoint: NonZeroU64) -> impl Iterator<Item = u64> {
        let others = self.0.iter().filter(move |(known, _)| **known != endpoint);
        others.flat_map(|(_, pods)| pods.iter())
    }
}
