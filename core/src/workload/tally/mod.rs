//! The Pods of one workload, with every count that a decision reads kept up to date per event.
//!
//! A watch event touches one Pod and costs the logarithm of their number; a plan reads counts and just the Pods that
//! it acts on. Own writes that the watch has not shown yet are in here too, so that no decision is made twice.

mod live;
mod readiness;
mod revisions;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::lifecycle::HookRun;
use crate::lifecycle::PodShape;
use crate::lifecycle::evidence::{Closed, PodEvidence};
use crate::workload::{Life, PodFact};

use live::Endpoints;
pub use live::{Heard, Hearing};
pub use revisions::RevisionTally;
pub use running::{RunningHooks, RunningTally};

/// Shapes that are kept to be shared.
const MOST_SHAPES: usize = 64;

/// The Pods of one workload.
#[derive(Debug, Default)]
pub struct PodSet {
    pods: BTreeMap<u64, PodFact>,
    revisions: BTreeMap<Arc<str>, RevisionTally>,
    terminating: BTreeSet<u64>,
    /// Own creates of which we do not know whether they were carried out.
    unconfirmed: BTreeSet<u64>,
    /// Pods that a list which has begun has not shown yet.
    unlisted: BTreeSet<u64>,
    /// The highest ordinal that is used up though no Pod has it; 0 if there is none.
    burned: u64,
    /// The ordinal above which this operator numbers Pods, once that is known.
    numbered_above: Option<u64>,
    /// Pods of whose evidence something is not counted yet.
    evidence: BTreeMap<u64, PodEvidence>,
    shapes: BTreeSet<Arc<PodShape>>,
    /// When to look at the evidence of which Pod.
    agenda: BTreeSet<(Timestamp, u64)>,
    agenda_of: BTreeMap<u64, Timestamp>,
    /// Pods of which everything is counted, which our finalizer still holds, and in which nothing runs any more.
    releasable: BTreeSet<u64>,
    running: RunningHooks,
    endpoints: Endpoints,
    hearing: Hearing,
}

impl PodSet {
    /// Takes in what the watch shows of a Pod, and what that is evidence of.
    pub fn observe(&mut self, mut fact: PodFact, evidence: PodEvidence, now: Timestamp) {
        let ordinal = fact.ordinal;
        if let Some(known) = self.pods.get(&ordinal).filter(|known| known.uid == fact.uid) {
            // The event may be older than our own delete or release, which it then does not show.
            if known.life == Life::Terminating {
                fact.life = Life::Terminating;
            }
            fact.has_finalizer &= known.has_finalizer;
        }
        self.unlisted.remove(&ordinal);
        self.set(Some(fact), ordinal);
        let evidence = PodEvidence { shape: self.shared(evidence.shape), ..evidence };
        self.evidence.entry(ordinal).or_default().merge(evidence);
        self.look_again(ordinal, Some(now));
    }

    /// Pods of one template have the same shape: one copy of each is kept.
    fn shared(&mut self, shape: Arc<PodShape>) -> Arc<PodShape> {
        if let Some(known) = self.shapes.get(&shape) {
            return Arc::clone(known);
        }
        // Shapes of revisions that are gone are few and small, until there are many.
        if self.shapes.len() >= MOST_SHAPES {
            self.shapes.clear();
        }
        self.shapes.insert(Arc::clone(&shape));
        shape
    }

    /// The Pod is no longer one of ours, and lives on: nothing can be said of it any more.
    pub fn observe_left(&mut self, ordinal: u64) {
        self.set(None, ordinal);
        self.evidence.remove(&ordinal);
        self.inferred(ordinal, Vec::new(), None);
    }

    /// Takes in what an Event says of a Pod. Nothing if the Pod is not one of these.
    pub fn observe_event(&mut self, ordinal: u64, uid: &str, evidence: PodEvidence, now: Timestamp) {
        if self.pods.get(&ordinal).is_none_or(|fact| &*fact.uid != uid) {
            return;
        }
        self.evidence.entry(ordinal).or_default().merge(evidence);
        self.look_again(ordinal, Some(now));
    }

    /// The Pod is gone from the API. What of it is not counted yet is counted from what is known.
    pub fn observe_gone(&mut self, ordinal: u64, now: Timestamp) {
        self.set(None, ordinal);
        if let Some(evidence) = self.evidence.get_mut(&ordinal) {
            evidence.closed = evidence.closed.or(Some(Closed::Gone));
            self.look_again(ordinal, Some(now));
        }
    }

    /// A complete list begins: every Pod known now must be in it, or it is gone.
    pub fn list_begins(&mut self) {
        self.unlisted = self.pods.keys().copied().collect();
    }

    /// The list is complete: returns the Pods that it has not shown, which are gone. An own create that came after its
    /// beginning is not missed in it.
    pub fn list_ends(&mut self, now: Timestamp) -> Vec<PodFact> {
        let unlisted = std::mem::take(&mut self.unlisted);
        let gone: Vec<_> = unlisted.iter().filter_map(|ordinal| self.pods.get(ordinal).cloned()).collect();
        for ordinal in unlisted {
            self.observe_gone(ordinal, now);
        }
        gone
    }

    /// Remembers an own create. An empty `uid` says that its reply was lost.
    pub fn created(&mut self, fact: PodFact) {
        let ordinal = fact.ordinal;
        if self.pods.get(&ordinal).is_none_or(|known| !known.seen) {
            // A list that had begun before it may not show it.
            self.unlisted.remove(&ordinal);
            self.set(Some(fact), ordinal);
        }
    }

    /// An own create of which nobody knew whether it was carried out was not. Its ordinal is used up all the same,
    /// since the request may still be under way.
    pub fn never_made(&mut self, ordinal: u64) {
        if self.pods.get(&ordinal).is_some_and(|known| !known.seen) {
            self.burn(ordinal);
        }
    }

    /// An own create was refused: there is no such Pod.
    pub fn refused(&mut self, ordinal: u64) {
        if self.pods.get(&ordinal).is_some_and(|known| !known.seen) {
            self.set(None, ordinal);
        }
    }

    /// Remembers an own delete.
    pub fn deleted(&mut self, ordinal: u64) {
        self.change(ordinal, |fact| fact.life = Life::Terminating);
    }

    /// Remembers that our finalizer is off.
    pub fn released(&mut self, ordinal: u64) {
        self.change(ordinal, |fact| fact.has_finalizer = false);
        self.releasable.remove(&ordinal);
    }

    /// Replaces what was found running in a Pod and says when to look at it again.
    pub fn inferred(&mut self, ordinal: u64, running: Vec<HookRun>, due: Option<Timestamp>) {
        self.running.replace(ordinal, running);
        self.look_again(ordinal, due);
    }

    /// Everything of a Pod is counted. Of its evidence what the present starts are is kept: an Event that comes later
    /// must find them. If nothing more will be said of the Pod its evidence goes, and so may the Pod.
    pub fn settled(&mut self, ordinal: u64, closed: bool) {
        self.inferred(ordinal, Vec::new(), None);
        if !closed {
            if let Some(evidence) = self.evidence.get_mut(&ordinal) {
                evidence.prune();
            }
            return;
        }
        self.evidence.remove(&ordinal);
        if self.pods.get(&ordinal).is_some_and(|fact| fact.has_finalizer) {
            self.releasable.insert(ordinal);
        }
    }

    /// Begins to number Pods above `used`, once. An operator before this one may have creates under way that nobody shows
    /// yet: those of one pass, so that many ordinals are left to it.
    pub fn begin_numbering(&mut self, used: u64) {
        self.numbered_above.get_or_insert(used);
    }

    /// Somebody else's Pod has the name that this ordinal gives: it is used up.
    pub fn burn(&mut self, ordinal: u64) {
        self.set(None, ordinal);
        self.burned = self.burned.max(ordinal);
    }

    fn look_again(&mut self, ordinal: u64, at: Option<Timestamp>) {
        let earlier = self.agenda_of.remove(&ordinal);
        if let Some(earlier) = earlier {
            self.agenda.remove(&(earlier, ordinal));
        }
        if let Some(at) = at {
            self.agenda.insert((at, ordinal));
            self.agenda_of.insert(ordinal, at);
        }
    }

    fn change(&mut self, ordinal: u64, change: impl FnOnce(&mut PodFact)) {
        if let Some(mut fact) = self.pods.get(&ordinal).cloned() {
            change(&mut fact);
            self.set(Some(fact), ordinal);
        }
    }

    /// The only place that changes a Pod and the counts it is part of.
    fn set(&mut self, new: Option<PodFact>, ordinal: u64) {
        if let Some(old) = self.pods.remove(&ordinal) {
            self.endpoints.remove(&old);
            let emptied = self.revisions.get_mut(&old.revision).is_some_and(|tally| tally.remove(&old));
            if emptied {
                self.revisions.remove(&old.revision);
            }
        }
        self.terminating.remove(&ordinal);
        self.unconfirmed.remove(&ordinal);
        let Some(fact) = new else {
            self.releasable.remove(&ordinal);
            return;
        };
        self.revisions.entry(Arc::clone(&fact.revision)).or_default().add(&fact);
        self.endpoints.add(&fact);
        if fact.life == Life::Terminating {
            self.terminating.insert(ordinal);
        }
        if fact.uid.is_empty() {
            self.unconfirmed.insert(ordinal);
        }
        self.pods.insert(ordinal, fact);
    }
}

/// What decisions read.
impl PodSet {
    /// A Pod by its ordinal.
    pub fn get(&self, ordinal: u64) -> Option<&PodFact> {
        self.pods.get(&ordinal)
    }

    /// Every Pod, in order of ordinals. Only for decisions that act on all of them.
    pub fn iter(&self) -> impl Iterator<Item = &PodFact> {
        self.pods.values()
    }

    /// Whether there is no Pod and nothing left to count.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.evidence.is_empty()
    }

    /// Whether there is no Pod.
    pub fn has_no_pods(&self) -> bool {
        self.pods.is_empty()
    }

    /// Whether any Pod has an ordinal in that range.
    pub fn any_in(&self, first: u64, last: u64) -> bool {
        self.pods.range(first..=last).next().is_some() || self.evidence.range(first..=last).next().is_some()
    }

    /// What is known of a Pod and not counted yet.
    pub fn evidence(&self, ordinal: u64) -> Option<&PodEvidence> {
        self.evidence.get(&ordinal)
    }

    /// The ordinal above which this operator numbers Pods.
    pub fn numbered_above(&self) -> u64 {
        self.numbered_above.unwrap_or(0)
    }

    /// The highest ordinal that is used up; 0 if there is none.
    pub fn highest_ordinal(&self) -> u64 {
        let pod = self.pods.last_key_value().map_or(0, |(ordinal, _)| *ordinal);
        let leaving = self.evidence.last_key_value().map_or(0, |(ordinal, _)| *ordinal);
        pod.max(leaving).max(self.burned)
    }

    /// The counts of a revision; all zero if it has no Pods.
    pub fn revision(&self, revision: &str) -> &RevisionTally {
        static NONE: RevisionTally = RevisionTally::EMPTY;
        self.revisions.get(revision).unwrap_or(&NONE)
    }

    /// All revisions that have Pods, and their counts.
    pub fn revisions(&self) -> impl Iterator<Item = (&Arc<str>, &RevisionTally)> {
        self.revisions.iter()
    }

    /// How many Pods are terminating.
    pub fn terminating(&self) -> usize {
        self.terminating.len()
    }

    /// Own creates to be sent again, since nobody knows whether they were carried out.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &PodFact> {
        self.unconfirmed.iter().filter_map(|ordinal| self.pods.get(ordinal))
    }

    /// Pods that our finalizer need not hold any longer.
    pub fn releasable(&self) -> impl Iterator<Item = &PodFact> {
        self.releasable.iter().filter_map(|ordinal| self.pods.get(ordinal))
    }

    /// Whether our finalizer need not hold that Pod any longer.
    pub fn is_releasable(&self, ordinal: u64) -> bool {
        self.releasable.contains(&ordinal)
    }

    /// Pods whose evidence is to be looked at by `now`.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = (u64, &PodEvidence)> {
        self.agenda
            .range(..=(now, u64::MAX))
            .filter_map(|(_, ordinal)| self.evidence.get(ordinal).map(|evidence| (*ordinal, evidence)))
    }

    /// When the next evidence is to be looked at.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Hooks running now.
    pub fn running(&self) -> &RunningHooks {
        &self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unseen(ordinal: u64, uid: &str) -> PodFact {
        PodFact::unseen(ordinal, &format!("web-{ordinal}"), uid, "rev", true)
    }

    #[test]
    fn a_create_whose_reply_comes_after_a_list_has_begun_is_not_missed_in_it() {
        let mut pods = PodSet::default();
        pods.created(unseen(1, ""));
        pods.created(unseen(2, "u-2"));
        pods.list_begins();
        pods.created(unseen(1, "u-1"));
        let gone = pods.list_ends(Timestamp::UNIX_EPOCH);
        assert_eq!(gone.iter().map(|fact| fact.ordinal).collect::<Vec<_>>(), [2]);
        assert!(pods.get(1).is_some());
    }

    #[test]
    fn a_create_that_was_never_carried_out_uses_its_ordinal_up_and_one_that_was_seen_stays() {
        let mut pods = PodSet::default();
        pods.created(unseen(1, ""));
        pods.never_made(1);
        assert_eq!((pods.has_no_pods(), pods.unconfirmed().count(), pods.highest_ordinal()), (true, 0, 1));
        let seen = PodFact { seen: true, ..unseen(2, "u-2") };
        pods.observe(seen, PodEvidence::default(), Timestamp::UNIX_EPOCH);
        pods.never_made(2);
        assert!(pods.get(2).is_some());
    }
}
