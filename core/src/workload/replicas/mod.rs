//! The Pods of one workload, with every count that a decision reads kept up to date per event.
//!
//! A watch event touches one Pod and costs the logarithm of their number; a decision reads counts and just the Pods
//! that it acts on. Own writes that the watch has not shown yet are in here too, so that no decision is made twice;
//! what users are told is counted from what the watch shows alone.

mod departed;
mod doubts;
mod endpoints;
mod fact;
mod numbers;
mod order;
mod queue;
mod readiness;
mod revision_counts;
mod standing;
#[cfg(test)]
mod tests;
mod victims;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use jiff::Timestamp;

use departed::Departed;
use doubts::Doubts;
pub use doubts::{Doubt, DoubtfulWrite};
use endpoints::Endpoints;
use queue::Queue;

use crate::interned::{Interned, Text};
use crate::lifecycle::RunnerSight;
use crate::mutation::{Mutation, mutated};
use crate::number_set::NumberSet;
pub use fact::{Life, PodFact};
pub use numbers::Numbers;
pub use revision_counts::RevisionCounts;
pub use standing::{Phase, Standing};

/// The Pods of one workload.
#[derive(Debug, Default)]
pub struct Replicas {
    /// Each in its own place: the map keeps room for more.
    pods: BTreeMap<u64, Box<PodFact>>,
    revisions: BTreeMap<Arc<str>, RevisionCounts>,
    /// Pods that the watch shows as terminating, and not as ended.
    terminating: NumberSet,
    /// How many of the Pods that are wanted are bound to each node, of all revisions.
    on_nodes: BTreeMap<u32, usize>,
    /// In which order the Pods of revisions go of which some do.
    queues: BTreeMap<Arc<str>, Queue>,
    /// Pods that the selector does not match any more.
    unselected: NumberSet,
    /// Pods that have ended, and whose deletion nobody has asked for.
    ended: NumberSet,
    /// Pods that are to go, and have not ended.
    going: NumberSet,
    /// Pods that a list which has begun has not shown yet.
    unlisted: NumberSet,
    doubts: Doubts,
    /// Numbers of own creates under way, and whether the Pod has been shown, and is gone, before the reply.
    under_way: BTreeMap<u64, bool>,
    endpoints: Endpoints,
    departed: Departed,
    names: Interned<Text>,
    revision_names: Interned<str>,
    /// The numbers that this process may give to Pods.
    pub numbers: Numbers,
}

impl Replicas {
    /// Takes in what the watch shows of a Pod.
    pub fn observe(&mut self, mut fact: PodFact) {
        let number = fact.number;
        if let Some(known) = self.pods.get(&number).filter(|known| known.uid == fact.uid) {
            // The event may be older than our own writes, which it then does not show.
            fact.deleting = known.deleting && fact.life != Life::Terminating;
            fact.has_finalizer &= known.has_finalizer;
            // The kubelet tells of a runner that cannot run now and then, while it tries again.
            if fact.runner == RunnerSight::InPlace && fact.ready_since.is_none() {
                fact.runner = known.runner;
            }
        }
        let settled = match self.doubts.get(&number).map(|doubt| doubt.write) {
            Some(DoubtfulWrite::Create) => true,
            Some(DoubtfulWrite::Delete) => fact.life == Life::Terminating,
            None => false,
        };
        if settled {
            self.doubts.remove(&number);
        }
        self.unlisted.remove(number);
        self.set(Some(fact), number);
    }

    /// The Pod is gone from the API, or is no longer one of ours.
    pub fn observe_gone(&mut self, number: u64) {
        self.set_gone(number);
    }

    /// A complete list begins: every Pod known now must be in it, or it is gone.
    pub fn list_begins(&mut self) {
        self.unlisted = self.pods.keys().copied().collect();
    }

    /// The list is complete: takes out the Pods that it has not shown, which are gone. An own create that came after
    /// its beginning is not missed in it, nor is one of which nobody knows whether it was carried out.
    pub fn list_ends(&mut self) -> Vec<PodFact> {
        let mut unlisted = std::mem::take(&mut self.unlisted);
        unlisted.retain(|number| {
            self.doubts.get(&number).is_none_or(|doubt| doubt.write != DoubtfulWrite::Create)
        });
        if mutated(Mutation::UnseenPodsAwaited) {
            unlisted.retain(|number| self.pods.get(&number).is_some_and(|known| known.seen));
        }
        let gone: Vec<_> = unlisted.iter().filter_map(|number| self.get(number).cloned()).collect();
        for number in unlisted.iter() {
            self.set_gone(number);
        }
        gone
    }

    /// Remembers that an own create is sent.
    pub fn creating(&mut self, number: u64) {
        self.under_way.insert(number, false);
    }

    /// The create was refused, and gives its number back.
    pub fn was_refused(&mut self, number: u64) {
        self.under_way.remove(&number);
        self.numbers.give_back(number);
    }

    /// Another's Pod has the name that goes with the number: no Pod of ours will ever have it.
    pub fn skip_number(&mut self, number: u64) {
        self.under_way.remove(&number);
    }

    /// The create of which nobody knew was carried out, unless that has become known otherwise meanwhile.
    pub fn was_created(&mut self, fact: PodFact) {
        if self.doubts.contains_key(&fact.number) {
            self.created(fact);
        }
    }

    /// Remembers an own create. A Pod that came and went before the reply is gone (k/k#69376).
    pub fn created(&mut self, fact: PodFact) {
        let number = fact.number;
        if self.under_way.remove(&number) == Some(true) {
            return;
        }
        if self.pods.get(&number).is_none_or(|known| !known.seen) {
            // A list that had begun before it may not show it.
            self.unlisted.remove(number);
            self.set(Some(fact), number);
        }
        self.doubts.remove(&number);
    }

    /// Remembers that a Pod which is there was given its number.
    pub fn claimed(&mut self, fact: PodFact) {
        let number = fact.number;
        if self.pods.get(&number).is_none_or(|known| !known.seen) {
            self.unlisted.remove(number);
            self.set(Some(fact), number);
        }
    }

    /// Remembers an own delete.
    pub fn deleted(&mut self, number: u64) {
        self.change(number, |fact| fact.deleting = fact.life != Life::Terminating);
    }

    /// Remembers that our finalizer is off.
    pub fn finalizer_removed(&mut self, number: u64) {
        self.change(number, |fact| fact.has_finalizer = false);
    }

    /// Remembers a create whose reply was lost. The Pod counts as there until that is known to be false.
    pub fn perhaps_created(&mut self, fact: PodFact, until: Timestamp) {
        let number = fact.number;
        if self.under_way.remove(&number) == Some(true) {
            return;
        }
        if self.pods.get(&number).is_none_or(|known| !known.seen) {
            self.set(Some(fact), number);
            self.doubts.insert(number, Doubt { write: DoubtfulWrite::Create, until });
        }
    }

    /// Remembers a delete whose reply was lost. The Pod counts as deleted until that is known to be false.
    pub fn perhaps_deleted(&mut self, number: u64, until: Timestamp) {
        if self.get(number).is_some_and(PodFact::is_alive) {
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

    /// Remembers that a Pod was given this endpoint.
    pub fn refreshed(&mut self, number: u64, endpoint: NonZeroU64) {
        self.change(number, |fact| fact.live = Some(endpoint));
    }

    /// The selector is known by now, and does not match the Pod.
    pub fn unselect(&mut self, number: u64) {
        self.change(number, |fact| *fact = fact.clone().unselected());
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut PodFact)) {
        if let Some(mut fact) = self.get(number).cloned() {
            change(&mut fact);
            self.put(Some(fact), number);
        }
    }

    fn set_gone(&mut self, number: u64) {
        if let Some(known) = self.pods.get(&number).filter(|known| !known.uid.is_empty()) {
            self.departed.note(number, &known.uid);
        }
        if let Some(is_gone) = self.under_way.get_mut(&number) {
            *is_gone = true;
        }
        self.set(None, number);
    }

    /// Replaces a Pod; without one nothing of it is in doubt.
    fn set(&mut self, new: Option<PodFact>, number: u64) {
        if new.is_none() {
            self.doubts.remove(&number);
        }
        self.put(new, number);
    }

    /// The only place that changes a Pod and the counts it is part of.
    fn put(&mut self, new: Option<PodFact>, number: u64) {
        if let Some(old) = self.pods.remove(&number) {
            self.endpoints.remove(&old);
            if old.is_alive() {
                self.leave_node(&old);
            }
            let emptied = self.revisions.get_mut(&old.revision).is_some_and(|counts| counts.remove(&old));
            if emptied {
                self.revisions.remove(&old.revision);
                self.queues.remove(&old.revision);
            }
        }
        self.terminating.remove(number);
        self.unselected.remove(number);
        self.ended.remove(number);
        self.going.remove(number);
        let Some(mut fact) = new else { return };
        fact.name = fact.name.shared(&mut self.names);
        fact.revision = self.revision_names.share(fact.revision);
        self.revisions.entry(Arc::clone(&fact.revision)).or_default().add(&fact);
        self.endpoints.add(&fact);
        if fact.is_alive() {
            *self.on_nodes.entry(fact.standing.node).or_default() += 1;
            self.arrange(&fact, true);
        }
        if fact.life == Life::Terminating && !fact.over {
            self.terminating.insert(number);
        }
        if fact.is_to_go() && !fact.over {
            self.going.insert(number);
        }
        match fact.life {
            Life::Unselected => self.unselected.insert(number),
            Life::Ended => self.ended.insert(number),
            Life::Alive | Life::Terminating => {}
        }
        self.pods.insert(number, Box::new(fact));
    }

    fn leave_node(&mut self, fact: &PodFact) {
        if let Some(pods) = self.on_nodes.get_mut(&fact.standing.node) {
            *pods -= 1;
            if *pods == 0 {
                self.on_nodes.remove(&fact.standing.node);
            }
        }
        self.arrange(fact, false);
    }
}

/// What decisions read.
impl Replicas {
    /// A Pod by its number.
    pub fn get(&self, number: u64) -> Option<&PodFact> {
        self.pods.get(&number).map(|fact| &**fact)
    }

    /// Whether another Pod than the one with this UID has the number, or had it a while ago.
    pub fn is_anothers(&self, number: u64, uid: &str) -> bool {
        let holder = self.pods.get(&number).map(|known| &known.uid).or_else(|| self.departed.get(number));
        holder.is_some_and(|holder| !holder.is_empty() && *holder != *uid)
    }

    /// Every Pod, in order of numbers. Only for decisions that act on all of them.
    pub fn iter(&self) -> impl Iterator<Item = &PodFact> {
        self.pods.values().map(|fact| &**fact)
    }

    /// Pods with higher numbers than that.
    pub fn above(&self, number: u64) -> impl Iterator<Item = &PodFact> {
        self.pods.range(number.saturating_add(1)..).map(|(_, fact)| &**fact)
    }

    /// Pods that the selector does not match any more.
    pub fn unselected(&self) -> impl Iterator<Item = &PodFact> {
        self.unselected.iter().filter_map(|number| self.get(number))
    }

    /// Pods that have ended, and whose deletion nobody has asked for as the watch shows it.
    pub fn ended(&self) -> impl Iterator<Item = &PodFact> {
        self.ended.iter().filter_map(|number| self.get(number))
    }

    /// Those of `numbers` whose Pods are to go and have not ended.
    pub(crate) fn going_of<'a>(&'a self, numbers: &'a NumberSet) -> impl Iterator<Item = &'a PodFact> {
        self.going.intersection(numbers).filter_map(|number| self.get(number))
    }

    /// Whether there is no Pod.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// Whether any Pod has a number in that range, or may get one: it is reserved and unused, or its create is under
    /// way.
    pub fn any_in(&self, first: u64, last: u64) -> bool {
        self.pods.range(first..=last).next().is_some()
            || self.under_way.range(first..=last).next().is_some()
            || self.numbers.any_in(first, last)
    }

    /// The highest number of a Pod; 0 if there is none.
    pub fn highest_number(&self) -> u64 {
        self.pods.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The counts of a revision; all zero if it has no Pods.
    pub fn revision(&self, revision: &str) -> &RevisionCounts {
        static NONE: RevisionCounts = RevisionCounts::EMPTY;
        self.revisions.get(revision).unwrap_or(&NONE)
    }

    /// All revisions that have Pods, and their counts.
    pub fn revisions(&self) -> impl Iterator<Item = (&Arc<str>, &RevisionCounts)> {
        self.revisions.iter()
    }

    /// How many Pods the watch shows as terminating, and not as ended (`CountTerminatingPods`).
    pub fn terminating(&self) -> usize {
        self.terminating.len()
    }

    /// Own writes of which nobody knows whether they were carried out, with the Pods that they are about.
    pub fn doubts(&self) -> impl Iterator<Item = (&PodFact, Doubt)> {
        self.doubts.iter().filter_map(|(number, doubt)| Some((self.get(*number)?, *doubt)))
    }

    /// How many Pods count as deleted of which nobody knows whether they are.
    pub fn perhaps_alive(&self) -> usize {
        self.doubts.values().filter(|doubt| doubt.write == DoubtfulWrite::Delete).count()
    }

    /// When the next doubt can be settled at the latest.
    pub fn next_certainty(&self) -> Option<Timestamp> {
        self.doubts.values().map(|doubt| doubt.until).min()
    }

    /// Pods that have an endpoint other than this one. Their files can still be changed.
    pub fn outdated(&self, endpoint: NonZeroU64) -> impl Iterator<Item = &PodFact> {
        self.endpoints.others(endpoint).filter_map(|number| self.get(number))
    }
}
