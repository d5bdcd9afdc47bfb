//! Pods that are to get a number from us.
//!
//! Nothing of such a Pod is counted before the patch is acknowledged that gives the Pod its number. The number is
//! reserved by a commit, and the same commit marks what is not ours to count.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::accounting::ledger::{Ledger, Youngest};
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::{ObservedPod, PodMarks, PodUid, Slot};
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
    /// A second by which what is not ours had been started, if that is known.
    started: Option<i64>,
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
    /// A Pod as it is shown `now`, with what is not ours to count of it, and had been started by that second.
    pub(super) fn of(
        pod: &ObservedPod,
        (not_ours, started): (PodMarks, Option<i64>),
        now: Timestamp,
    ) -> Self {
        let fact = PodFact { number: 0, ..PodFact::of(pod, now) };
        Self { fact, version: pod.version.clone(), not_ours, started, is_known: false, state: State::Waiting }
    }

    /// A Pod that is known by that number, which does not stand on it.
    pub(super) fn known(pod: &ObservedPod, number: u64, now: Timestamp) -> Self {
        let mut newcomer = Self::of(pod, (PodMarks::default(), None), now);
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
    for (container, known) in evidence.containers.iter() {
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
    pods: BTreeMap<PodUid, Newcomer>,
    /// Pods that a list which has begun has not shown yet.
    unlisted: BTreeSet<PodUid>,
}

impl Newcomers {
    /// Takes in what the watch shows. Of one that has got its number the watch may show what was before.
    pub(super) fn observe(&mut self, newcomer: Newcomer) {
        let uid = newcomer.fact.uid.clone();
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
    pub(super) fn remove(&mut self, uid: &PodUid) -> Option<PodFact> {
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
    pub(super) fn number_from(&self, first: u64) -> Vec<(PodUid, u64)> {
        let unnumbered = self.pods.iter().filter(|(_, known)| known.fact.number == 0);
        unnumbered.map(|(uid, _)| uid.clone()).zip(first..).collect()
    }

    /// How many have no number.
    pub(super) fn unnumbered(&self) -> usize {
        self.pods.values().filter(|known| known.fact.number == 0).count()
    }

    /// A commit has reserved those numbers for those Pods.
    pub(super) fn assign(&mut self, numbers: &[(PodUid, u64)]) {
        for (uid, number) in numbers {
            if let Some(known) = self.pods.get_mut(uid).filter(|known| known.fact.number == 0) {
                known.fact.number = *number;
            }
        }
    }

    /// Numbers, those of `assigned` too, with what is not ours to count of their Pods, and the youngest of that.
    pub(super) fn not_ours<'a>(
        &'a self,
        assigned: &'a [(PodUid, u64)],
    ) -> impl Iterator<Item = (u64, &'a PodMarks, Youngest)> {
        let new = assigned.iter().filter_map(|(uid, number)| Some((*number, self.pods.get(uid)?)));
        let numbered = self.waiting().filter(|known| known.fact.number > 0 && !known.is_known);
        let all = numbered.map(|known| (known.fact.number, known)).chain(new);
        all.map(|(number, known)| {
            let youngest = Youngest { created: known.fact.created(), started: known.started };
            (number, &known.not_ours, youngest)
        })
    }

    /// Whether any has no number, and something that ran in it before is not ours to count.
    pub(super) fn is_any_older(&self) -> bool {
        self.pods.values().any(|known| known.fact.number == 0 && !known.not_ours.0.is_empty())
    }

    /// A second by which everything that is not ours had been started, if one is known.
    pub(super) fn youngest_start(&self) -> Option<i64> {
        self.pods.values().filter_map(|known| known.started).max()
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
    pub(super) fn claimed(&mut self, uid: &PodUid) {
        if let Some(known) = self.pods.get_mut(uid) {
            known.state = State::Claimed;
        }
    }

    /// The server does not take the patch.
    pub(super) fn refused(&mut self, uid: &PodUid) {
        if let Some(known) = self.pods.get_mut(uid) {
            known.state = State::Refused;
        }
    }

    /// Those that may still run and are not among the workload's Pods yet.
    pub(super) fn running(&self) -> impl Iterator<Item = &PodFact> {
        self.facts().filter(|fact| !fact.over)
    }

    /// Those that are not among the workload's Pods yet.
    pub(super) fn facts(&self) -> impl Iterator<Item = &PodFact> {
        self.waiting().filter(|known| !known.is_known).map(|known| &known.fact)
    }

    fn waiting(&self) -> impl Iterator<Item = &Newcomer> {
        self.pods.values().filter(|known| known.state != State::Claimed)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::lifecycle::{Mark, kubelet};

    fn pod(version: &str, restarts: u32) -> ObservedPod {
        let pod = json!({
            "metadata": {"name": "web-1", "uid": "u-1", "resourceVersion": version},
            "spec": {"nodeName": "n", "containers": [{"name": "web"}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "web", "restartCount": restarts, "state": {"running": {"startedAt": "1970-01-01T00:00:00Z"}},
            }]},
        });
        serde_json::from_value(pod).unwrap()
    }

    fn newcomer(version: &str, restarts: u32) -> Newcomer {
        let pod = pod(version, restarts);
        let not_ours = over_by_now(&kubelet::read_pod(&pod, Timestamp::UNIX_EPOCH));
        Newcomer::of(&pod, (not_ours, Some(0)), Timestamp::UNIX_EPOCH)
    }

    fn committed(newcomers: &Newcomers, claims: &[(PodUid, u64)], high_water: u64) -> Ledger {
        let mut ledger = Ledger { high_water, ..Ledger::default() };
        for (number, marks, youngest) in newcomers.not_ours(claims) {
            ledger.marks.set(number, marks.clone(), youngest);
        }
        ledger
    }

    #[test]
    fn what_was_over_before_a_pod_was_ours_is_not_ours() {
        let mark = newcomer("1", 1000).not_ours.of("web");
        assert_eq!(mark, Mark { post_start: 1001, end: 1000, ..Mark::default() });
    }

    #[test]
    fn a_number_is_given_only_as_it_is_committed() {
        let mut newcomers = Newcomers::default();
        newcomers.observe(newcomer("1", 3));
        let claims = newcomers.number_from(8);
        assert_eq!((claims.len(), newcomers.unnumbered()), (1, 1));
        let ledger = committed(&newcomers, &claims, 8);
        assert!(newcomers.claimable(&ledger).is_empty(), "the commit is not acknowledged");
        newcomers.assign(&claims);
        assert_eq!((newcomers.claimable(&ledger).len(), newcomers.unnumbered()), (1, 0));
        assert!(newcomers.claimable(&Ledger { high_water: 7, ..ledger.clone() }).is_empty());
        // The container was started again since: more is not ours to count.
        newcomers.observe(newcomer("2", 4));
        assert!(newcomers.claimable(&ledger).is_empty());
        assert_eq!(newcomers.claimable(&committed(&newcomers, &[], 8)).len(), 1);
    }

    #[test]
    fn a_pod_that_has_its_number_waits_for_the_watch_alone() {
        let mut newcomers = Newcomers::default();
        newcomers.observe(newcomer("1", 0));
        newcomers.assign(&[("u-1".into(), 8)]);
        newcomers.refused(&"u-1".into());
        assert_eq!((newcomers.any_waiting(), newcomers.facts().count()), (false, 1));
        newcomers.observe(newcomer("2", 0));
        assert!(newcomers.any_waiting(), "it may be taken as it is now");
        newcomers.claimed(&"u-1".into());
        newcomers.observe(newcomer("2", 0));
        assert_eq!(
            (newcomers.any_waiting(), newcomers.facts().count(), newcomers.any_in(8, 8)),
            (false, 0, true)
        );
        assert!(newcomers.claimable(&committed(&newcomers, &[], 8)).is_empty());
        assert_eq!(newcomers.remove(&"u-1".into()).map(|fact| fact.number), Some(8));
    }
}
