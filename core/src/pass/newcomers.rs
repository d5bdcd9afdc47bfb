//! Pods that are to get a number from us.
//!
//! Nothing of such a Pod is counted before the patch is acknowledged that gives the Pod its number. The number is
//! reserved by a commit, and the same commit marks what is not ours to count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::accounting::ledger::Ledger;
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::{ObservedPod, PodMarks, Slot};
use crate::workload::fill::PodRef;
use crate::workload::replicas::PodFact;

/// A Pod that is to get a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Newcomer {
    /// The Pod; its number is 0 until one is reserved for it.
    pub(super) fact: PodFact,
    /// The version of the Pod that all this is known of.
    pub(super) version: String,
    /// Up to where its runs are not ours to count.
    pub(super) not_ours: PodMarks,
    /// Whether its number is that by which it was known: somebody has changed what stands on the Pod.
    is_known: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for its number.
    Waiting,
    /// The server does not take the patch.
    Refused,
    /// The patch is acknowledged, and the watch has not shown it yet.
    Claimed,
}

impl Newcomer {
    /// A Pod as it is shown, with what is not ours to count of it.
    pub(super) fn of(pod: &ObservedPod, not_ours: PodMarks) -> Self {
        let fact = PodFact { number: 0, ..PodFact::of(pod) };
        Self { fact, version: pod.version.clone(), not_ours, is_known: false, state: State::Waiting }
    }

    /// A Pod that is known by that number, which does not stand on it.
    pub(super) fn known(pod: &ObservedPod, number: u64) -> Self {
        let mut newcomer = Self::of(pod, PodMarks::default());
        (newcomer.fact.number, newcomer.is_known) = (number, true);
        newcomer
    }

    /// Which Pod is meant.
    pub(super) fn pod(&self) -> Option<PodRef> {
        PodRef::of(&self.fact)
    }
}

/// What was over in a Pod when it was seen so: all runs of earlier instances, and the start of the present ones.
pub(super) fn over_by_now(evidence: &PodEvidence) -> PodMarks {
    let mut marks = PodMarks::default();
    for (container, known) in &evidence.containers {
        let Some((instance, facts)) = known.instances.last_key_value() else { continue };
        let ended = if facts.end.is_some() { *instance } else { instance.saturating_sub(1) };
        marks.advance(container, Slot::PostStart, *instance);
        marks.advance(container, Slot::End, ended);
    }
    marks
}

/// The Pods of a workload that are to get a number.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// By UID.
    pods: BTreeMap<Arc<str>, Newcomer>,
    /// Pods that a list which has begun has not shown yet.
    unlisted: BTreeSet<Arc<str>>,
}

impl Newcomers {
    /// Takes in what the watch shows. Of one that has got its number the watch may show what was before.
    pub(super) fn observe(&mut self, newcomer: Newcomer) {
        let uid = Arc::clone(&newcomer.fact.uid);
        self.unlisted.remove(&uid);
        let known = self.pods.get(&uid);
        let number = known.map_or(0, |known| known.fact.number).max(newcomer.fact.number);
        let state = match known {
            Some(known) if known.state == State::Claimed || known.version == newcomer.version => known.state,
            _ => State::Waiting,
        };
        let fact = PodFact { number, ..newcomer.fact };
        self.pods.insert(uid, Newcomer { fact, state, ..newcomer });
    }

    /// The Pod has its number, or is gone.
    pub(super) fn remove(&mut self, uid: &str) -> Option<PodFact> {
        self.unlisted.remove(uid);
        self.pods.remove(uid).map(|known| known.fact)
    }

    pub(super) fn list_begins(&mut self) {
        self.unlisted = self.pods.keys().cloned().collect();
    }

    /// The list is complete: takes out those that it has not shown.
    pub(super) fn list_ends(&mut self) -> Vec<PodFact> {
        let gone = std::mem::take(&mut self.unlisted);
        gone.iter().filter_map(|uid| self.remove(uid)).collect()
    }

    /// The numbers from `first` on, given to those that have none.
    pub(super) fn number_from(&self, first: u64) -> Vec<(Arc<str>, u64)> {
        let unnumbered = self.pods.iter().filter(|(_, known)| known.fact.number == 0);
        unnumbered.map(|(uid, _)| Arc::clone(uid)).zip(first..).collect()
    }

    /// How many have no number.
    pub(super) fn unnumbered(&self) -> usize {
        self.pods.values().filter(|known| known.fact.number == 0).count()
    }

    /// A commit has reserved those numbers for those Pods.
    pub(super) fn assign(&mut self, numbers: &[(Arc<str>, u64)]) {
        for (uid, number) in numbers {
            if let Some(known) = self.pods.get_mut(uid).filter(|known| known.fact.number == 0) {
                known.fact.number = *number;
            }
        }
    }

    /// Numbers, those of `assigned` too, with what is not ours to count of their Pods.
    pub(super) fn not_ours<'a>(
        &'a self,
        assigned: &'a [(Arc<str>, u64)],
    ) -> impl Iterator<Item = (u64, &'a PodMarks)> {
        let new = assigned.iter().filter_map(|(uid, number)| Some((*number, &self.pods.get(uid)?.not_ours)));
        let numbered = self.waiting().filter(|known| known.fact.number > 0 && !known.is_known);
        numbered.map(|known| (known.fact.number, &known.not_ours)).chain(new)
    }

    /// Whether any has a number in that range.
    pub(super) fn any_in(&self, first: u64, last: u64) -> bool {
        self.pods.values().any(|known| (first..=last).contains(&known.fact.number))
    }

    /// Those whose number is committed, with what is not ours to count of them.
    pub(super) fn claimable(&self, committed: &Ledger) -> Vec<Newcomer> {
        let is_committed = |known: &&Newcomer| {
            let number = known.fact.number;
            let is_reserved = (1..=committed.high_water).contains(&number);
            known.is_known || (is_reserved && committed.marks.get(number) == known.not_ours)
        };
        self.waiting().filter(is_committed).cloned().collect()
    }

    /// Whether any may yet become one of the Pods that there are.
    pub(super) fn any_waiting(&self) -> bool {
        self.pods.values().any(|known| known.state == State::Waiting && !known.is_known)
    }

    /// The Pod has its number: the watch will show it.
    pub(super) fn claimed(&mut self, uid: &str) {
        if let Some(known) = self.pods.get_mut(uid) {
            known.state = State::Claimed;
        }
    }

    /// The server does not take the patch.
    pub(super) fn refused(&mut self, uid: &str) {
        if let Some(known) = self.pods.get_mut(uid) {
            known.state = State::Refused;
        }
    }

    /// Those that are not among the workload's Pods yet.
    pub(super) fn facts(&self) -> impl Iterator<Item = &PodFact> {
        self.waiting().filter(|known| !known.is_known).map(|known| &known.fact)
    }

    fn waiting(&self) -> impl Iterator<Item = &Newcomer> {
        self.pods.values().filter(|known| known.state != State::Claimed)
    }
}
