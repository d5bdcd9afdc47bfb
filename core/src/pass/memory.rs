//! All that an operator remembers of one workload; forgetting the workload is dropping this.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_protocol::Record;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};

use super::allowance::Allowance;
use super::candidates::{Candidates, Orphan};
use super::doubts::Doubts;
use super::left_to::LeftTo;
use super::newcomers::{Newcomer, Newcomers, over_by_now};
use super::overlapping::Overlapping;
use super::overlay::{Overlay, Pace};
use super::predecessor::Predecessor;
use super::released::Released;
use super::selection::Selection;
use super::watched::Watching;
use crate::accounting::ledger::Alias;
use crate::accounting::{Account, Heard, Tracker};
use crate::admission::{Admission, Verdict};
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::{ObservedPod, PodMarks, PodUid, kubelet};
use crate::mutation::{Mutation, mutated};
use crate::number_set::NumberSet;
use crate::status::ReplicaFailure;
use crate::workload::replicas::{PodFact, Replicas};
use crate::workload::revision::{Revision, Stored};

/// All that an operator remembers of one workload.
#[derive(Debug, Default)]
pub struct Memory {
    /// Its Pods.
    pub replicas: Replicas,
    /// What is known of their hooks and not counted.
    pub tracker: Tracker,
    /// Pods that are to get a number.
    pub(super) newcomers: Newcomers,
    /// Pods that nobody controls and that may be taken over.
    pub(super) candidates: Candidates,
    /// What controls the Pods that are to be taken over.
    pub(super) predecessor: Predecessor,
    /// Numbers under which Pods were shown for the first time: what is marked under them may be of the Pods that had
    /// the numbers before.
    pub(super) unjudged: NumberSet,
    /// Other workloads that ask for the same Pods.
    pub overlapping: Overlapping,
    /// Pods that are set free, while the watch still shows them.
    pub(super) released: Released,
    selection: Selection,
    /// The highest number that may be given, as this process last knew it to be committed.
    pub(super) high_water: Option<u64>,
    /// The workload is left to another operator.
    pub(super) left_to: Option<LeftTo>,
    /// How often in a row a pass has failed.
    pub failures: u32,
    /// The last own status write, while the watch has not shown it.
    pub(super) overlay: Option<Overlay>,
    /// What is counted on top of the version that it names, and not committed yet.
    pub(super) uncommitted: Option<(String, Account)>,
    pub(super) pace: Pace,
    pub(super) revisions: Revisions,
    pub(super) acts: Acts,
    pub(super) scaling: Allowance,
    /// Where the workload watches Pods that others make: what is remembered of that.
    pub watching: Option<Watching>,
    /// The workload was seen to leave its Pods behind. The finalizer that says so goes before ours.
    pub(super) orphaning: bool,
    /// The workload was seen to wait for the end of its Pods. The API server's finalizer that says so goes
    /// before ours: our Pods do not keep it.
    pub(super) in_foreground: bool,
}

/// What is known of a workload's revisions.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    /// Those that are stored; none while that must be looked up.
    pub(super) stored: Option<Vec<Stored>>,
    /// Those that were read back.
    pub(super) read: BTreeMap<Arc<str>, Arc<Revision>>,
    /// Those that somebody has deleted, or that cannot be read.
    pub(super) lost: BTreeSet<Arc<str>>,
    /// What a template was found to mean, whether that is committed yet or not.
    pub(super) alias: Option<Alias>,
    /// The fingerprint of a template that is known to mean the Pods of no stored revision.
    pub(super) unlike: Option<u64>,
    /// What the API server says to Pods of them.
    pub(super) admissions: BTreeMap<Arc<str>, Admission>,
    doubts: Doubts,
}

/// What has become of the acts that followed from commits of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Acts {
    /// There was no need for any yet: what was said before stays said.
    #[default]
    Untried,
    /// They were carried out, or none was needed.
    Done,
    /// One has failed.
    Failed(Failing),
}

/// An act that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    /// What users are told: in the words about the first Pod, while others fare alike.
    pub(super) told: ReplicaFailure,
    /// What is the same in the words about all of them.
    pub(super) gist: String,
    /// When one failed last.
    pub(super) at: Timestamp,
}

impl Acts {
    /// Why Pods are not what they are to be, if something keeps them from it. A process that has not tried yet says
    /// what the one before it has found out, and `said` in its conditions.
    pub(super) fn failure(&self, said: &[Condition]) -> Option<ReplicaFailure> {
        match self {
            Self::Done => None,
            Self::Failed(failing) => Some(failing.told.clone()),
            Self::Untried => ReplicaFailure::of_conditions(said),
        }
    }
}

/// What watches show.
impl Memory {
    /// Takes in a Pod that the watch shows, and that was known by the number `known` if it was known. Returns the
    /// number by which the Pod is known now; 0 while it has none.
    pub fn sight(&mut self, pod: ObservedPod, known: Option<u64>, now: Timestamp) -> u64 {
        if self.released.is_free(&pod.uid) {
            return 0;
        }
        if let Some(watching) = &mut self.watching {
            watching.know_youngest(&pod);
        }
        let has = |number: &u64| self.replicas.get(*number).is_some_and(|fact| fact.uid == *pod.uid);
        let known = known.filter(has);
        let written = pod.number;
        if known.is_none_or(|number| number == written) && self.gave(&pod) {
            self.newcomers.remove(&PodUid::from(&*pod.uid));
            if known.is_none() {
                self.unjudged.insert(written);
            }
            self.observe_pod(&pod, now);
            return written;
        }
        if let Some(number) = known {
            // Whatever stands on it: a Pod is known by its UID.
            self.newcomers.observe(Newcomer::known(&pod, number, now));
            self.observe_pod(&ObservedPod { number, ..pod }, now);
            return number;
        }
        let is_copy = written > 0 && self.replicas.is_anothers(written, &pod.uid);
        let evidence = kubelet::read_pod(&pod, now);
        let is_ours_from_birth = self
            .watching
            .as_ref()
            .is_some_and(|watching| watching.is_since(&pod) || mutated(Mutation::WatchedFromBirth));
        // A copy has never been counted; of another Pod nobody knows what was.
        let not_ours =
            if is_copy || is_ours_from_birth { PodMarks::default() } else { over_by_now(&evidence) };
        self.newcomers.observe(Newcomer::of(&pod, (not_ours, evidence.youngest_start()), now));
        0
    }

    /// Whether the number that stands on a Pod is the one that the workload has given to this very Pod.
    fn gave(&self, pod: &ObservedPod) -> bool {
        let is_reserved = self.high_water.is_none_or(|high_water| pod.number <= high_water);
        pod.number > 0 && (is_reserved || pod.is_named) && !self.replicas.is_anothers(pod.number, &pod.uid)
    }

    /// Takes in up to where numbers are committed. Of Pods that were shown before it is known only now whether their
    /// numbers were given: those that were not are taken in when they are shown again.
    pub(super) fn know_high_water(&mut self, high_water: u64) {
        if self.high_water.replace(high_water).is_some() {
            return;
        }
        let forged = self.replicas.above(high_water).filter(|fact| !fact.is_named);
        for number in forged.map(|fact| fact.number).collect::<Vec<_>>() {
            self.observe_left(number);
        }
    }

    /// Takes in the selector. Pods that were shown before it are judged now.
    pub fn know_selector(&mut self, selector: &LabelSelector) {
        for number in self.selection.know(selector) {
            self.replicas.unselect(number);
        }
    }

    /// Takes in which revisions are stored of the workload, as a list has shown them before its first pass. What a pass
    /// has looked up is newer: it may have stored others since.
    pub(crate) fn know_revisions(&mut self, stored: Vec<Stored>) {
        self.revisions.stored.get_or_insert(stored);
    }

    /// The revisions that are known to be stored; none while nobody knows.
    #[cfg(test)]
    pub(crate) fn stored_revisions(&self) -> Option<&[Stored]> {
        self.revisions.stored.as_deref()
    }

    /// Takes in that nobody controls a Pod. Returns whether the workload may take the Pod over; none if the Pod is not
    /// selected.
    pub fn show_orphan(&mut self, orphan: &Orphan) -> Option<bool> {
        if !self.selection.is_known_to_select(&orphan.labels) || mutated(Mutation::OrphansStayOrphans) {
            self.candidates.remove(&orphan.uid);
            return None;
        }
        Some(self.candidates.show(orphan))
    }

    /// Whether there are Pods that nobody controls and that may be taken over, as far as is known.
    pub fn may_adopt(&self) -> bool {
        self.candidates.waiting().next().is_some()
    }

    /// Takes in that the Pod is gone, or somebody's.
    pub fn show_no_orphan(&mut self, uid: &str) {
        self.candidates.remove(uid);
    }

    /// Whether the selector is known.
    pub fn knows_selector(&self) -> bool {
        self.selection.is_known()
    }

    /// Whether more Pods may be there than those that have numbers: nothing is made in their place, and
    /// nobody knows yet how many of each revision there are.
    pub fn awaits_pods(&self) -> bool {
        let stored: BTreeSet<&str> =
            self.revisions.stored.iter().flatten().map(|stored| &*stored.revision).collect();
        self.newcomers.any_waiting() || self.candidates.waiting().any(|pod| stored.contains(&*pod.revision))
    }

    /// The revisions of Pods that may still run and are not among the workload's Pods yet.
    pub(super) fn joining(&self) -> BTreeSet<Arc<str>> {
        let adopted = self.candidates.waiting().map(|known| &known.revision);
        self.newcomers.running().map(|fact| &fact.revision).chain(adopted).map(Arc::clone).collect()
    }

    /// Takes in what the watch shows of a Pod with its number.
    pub fn observe_pod(&mut self, pod: &ObservedPod, now: Timestamp) {
        let is_selected = self.selection.selects(pod.number, &pod.labels);
        let revision = self.replicas.get(pod.number).filter(|known| known.uid == *pod.uid);
        let revision = revision.map(|known| Arc::clone(&known.revision));
        let mut fact = PodFact::of(pod, now);
        // A Pod is of the revision that it was made from: another label takes the Pod out, as from a ReplicaSet.
        let is_of_revision = revision.as_ref().is_none_or(|revision| *revision == fact.revision);
        fact.revision = revision.unwrap_or(fact.revision);
        self.replicas.observe(if is_selected && is_of_revision { fact } else { fact.unselected() });
        self.tracker.observe(pod.number, kubelet::read_pod(pod, now), now);
    }

    /// Takes in what an Event says of a Pod. Nothing if the Pod is not one of the workload's.
    pub fn observe_event(&mut self, number: u64, uid: &str, evidence: PodEvidence, now: Timestamp) {
        if self.knows(number, uid) {
            self.tracker.observe_event(number, evidence, now);
        }
    }

    /// Takes in what the runner of a Pod has reported, and says whether the Pod is to go.
    pub fn observe_live(&mut self, number: u64, uid: &str, record: Record, now: Timestamp) -> (Heard, bool) {
        if !self.knows(number, uid) {
            return (Heard::Foreign, false);
        }
        let heard = self.tracker.observe_live(number, uid, record, now);
        (heard, self.replicas.get(number).is_some_and(PodFact::is_to_go))
    }

    /// The Pod is gone from the API. What of the Pod is not counted yet is counted from what is known.
    pub fn observe_gone(&mut self, number: u64, now: Timestamp) {
        if let Some(watching) = &mut self.watching {
            watching.note_gone(number);
        }
        self.replicas.observe_gone(number);
        self.tracker.observe_gone(number, now);
    }

    /// The Pod is no longer one of the workload's, and lives on.
    pub fn observe_left(&mut self, number: u64) {
        if let Some(watching) = &mut self.watching {
            watching.note_gone(number);
        }
        self.replicas.observe_gone(number);
        self.tracker.forget(number);
    }

    /// A complete list of Pods begins.
    pub fn list_begins(&mut self) {
        self.newcomers.list_begins();
        self.released.list_begins();
        self.replicas.list_begins();
    }

    /// The list is complete: returns the Pods that it has not shown, which are gone.
    pub fn list_ends(&mut self, now: Timestamp) -> Vec<PodFact> {
        let mut gone = self.replicas.list_ends();
        for fact in &gone {
            // A Pod that was set free lives on.
            if self.released.depart(&fact.uid.text()).is_some() {
                self.tracker.forget(fact.number);
            } else {
                self.observe_gone(fact.number, now);
            }
        }
        gone.extend(self.newcomers.list_ends());
        gone.extend(self.released.list_ends().iter().map(|uid| PodFact::unseen(0, "", uid, "", false)));
        gone
    }

    /// The Pod has no number, and is gone or no longer one of the workload's.
    pub(crate) fn observe_newcomer_gone(&mut self, uid: &str) -> Option<PodFact> {
        let gone = self.newcomers.remove(&PodUid::from(uid))?;
        if let Some(watching) = self.watching.as_mut().filter(|_| gone.number > 0) {
            watching.note_gone(gone.number);
        }
        Some(gone)
    }

    /// The watch no longer shows the Pod. Returns whether it was set free, where that was asked for; false while the
    /// server has not said so.
    pub(crate) fn observe_departed(&mut self, uid: &str) -> Option<bool> {
        self.released.depart(uid)
    }

    /// All Pods, those without a number too.
    pub fn pods(&self) -> impl Iterator<Item = &PodFact> {
        self.replicas.iter().chain(self.newcomers.facts())
    }

    fn knows(&self, number: u64, uid: &str) -> bool {
        self.replicas.get(number).is_some_and(|fact| fact.uid == *uid)
    }
}

impl Revisions {
    /// Takes in that a revision is stored so.
    pub(super) fn remember(&mut self, stored: Stored) {
        self.forget(&stored.revision);
        self.stored.get_or_insert_default().push(stored);
    }

    /// Takes in that a revision is stored no longer.
    pub(super) fn forget(&mut self, revision: &str) {
        self.stored.iter_mut().for_each(|stored| stored.retain(|known| known.revision != revision));
    }

    /// Whether the API server has said that it takes no Pods of a revision.
    pub(super) fn is_refused(&self, revision: &str) -> bool {
        let known = self.admissions.get(revision);
        known.is_some_and(|known| matches!(known.verdict, Verdict::Malformed(_)))
    }

    /// Takes in that the API server has refused a Pod of a revision that has the runner, with that gist: it is asked
    /// again in which form it takes such Pods, if that is new.
    pub(super) fn doubt(&mut self, revision: &Arc<str>, gist: &str, now: Timestamp) {
        if let Some(known) = self.admissions.get_mut(revision)
            && self.doubts.arise(revision, gist, now)
        {
            known.doubt(now);
        }
    }

    /// Forgets what is known of revisions that nothing is made of any more.
    pub(super) fn retain(&mut self, is_used: impl Fn(&str) -> bool) {
        self.read.retain(|revision, _| is_used(revision));
        self.lost.retain(|revision| is_used(revision));
        self.admissions.retain(|revision, _| is_used(revision));
        self.doubts.retain(is_used);
    }
}

#[cfg(test)]
mod tests;
