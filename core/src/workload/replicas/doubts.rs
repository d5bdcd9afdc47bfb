//! Own writes whose reply was lost: whether they were carried out is looked up.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Replicas;
use super::fact::PodFact;

/// A write of which nobody knows whether it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What was asked for.
    pub write: DoubtfulWrite,
    /// Until when the request may still be carried out: its own time-out.
    pub until: Timestamp,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtfulWrite {
    /// That a Pod is made.
    Create,
    /// That a Pod is deleted.
    Delete,
}

/// Doubts by the number of the Pod.
pub(super) type Doubts = BTreeMap<u64, Doubt>;

impl Replicas {
    /// Remembers a create whose reply was lost. The Pod counts as there until that is known to be false.
    pub fn perhaps_created(&mut self, fact: PodFact, until: Timestamp) {
        let number = fact.number;
        if self.pods.get(&number).is_none_or(|known| !known.seen) {
            self.set(Some(fact), number);
            self.doubts.insert(number, Doubt { write: DoubtfulWrite::Create, until });
        }
    }

    /// Remembers a delete whose reply was lost. The Pod counts as deleted until that is known to be false.
    pub fn perhaps_deleted(&mut self, number: u64, until: Timestamp) {
        if self.pods.get(&number).is_some_and(PodFact::is_alive) {
            self.deleted(number);
            self.doubts.insert(number, Doubt { write: DoubtfulWrite::Delete, until });
        }
    }

    /// The create of which nobody knew was never carried out, and will not be.
    pub fn was_not_created(&mut self, number: u64) {
        if self.pods.get(&number).is_some_and(|known| !known.seen) {
            self.set(None, number);
        }
        self.doubts.remove(&number);
    }

    /// The delete of which nobody knew was never carried out, and will not be.
    pub fn was_not_deleted(&mut self, number: u64) {
        self.change(number, |fact| fact.deleting = false);
        self.doubts.remove(&number);
    }

    /// A delete was carried out: nothing of the Pod is in doubt.
    pub fn was_deleted(&mut self, number: u64) {
        self.doubts.remove(&number);
    }

    /// Own writes of which nobody knows whether they were carried out, with the Pods that they are about.
    pub fn doubts(&self) -> impl Iterator<Item = (&PodFact, Doubt)> {
        self.doubts.iter().filter_map(|(number, doubt)| Some((self.pods.get(number)?, *doubt)))
    }

    /// How many Pods count as deleted of which nobody knows whether they are.
    pub fn perhaps_alive(&self) -> usize {
        self.doubts.values().filter(|doubt| doubt.write == DoubtfulWrite::Delete).count()
    }

    /// When the next doubt can be settled at the latest.
    pub fn next_certainty(&self) -> Option<Timestamp> {
        self.doubts.values().map(|doubt| doubt.until).min()
    }
}
