//! What is remembered of each workload and of its Pods: the only cache of Pods there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accounting::Heard;
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::{ObservedPod, PodUid};
use crate::pass::{Locked, Memory};
use crate::workload::replicas::PodFact;
use crate::workload::template::Owner;
use hooked_protocol::Record;
use jiff::Timestamp;

use super::claim::Claim;
use super::early::EarlyEvents;
use super::orphans::Orphans;
use super::pod::Controller;
use super::revisions::ListedRevisions;

/// A workload by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl WorkloadRef {
    /// The workload of that name.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// What is remembered of a workload, and the name that it has.
#[derive(Debug)]
struct Known {
    key: Arc<Key>,
    name: String,
    /// Which Pods it asks for, if it was shown and can be decoded.
    claim: Option<Claim>,
    memory: Arc<Locked<Memory>>,
}

impl Known {
    fn of(key: &Key, name: &str) -> Self {
        Self { key: Arc::new(key.clone()), name: name.to_owned(), claim: None, memory: Arc::default() }
    }
}

/// Pods by the workload that owns them.
#[derive(Debug, Default)]
pub struct Index {
    workloads: Locked<BTreeMap<Key, Known>>,
    places: Locked<BTreeMap<PodUid, Place>>,
    strays: Locked<BTreeMap<String, Stray>>,
    orphans: Locked<Orphans>,
    early: Locked<EarlyEvents>,
    /// Pods that others make.
    watched: Locked<WatchedPods>,
    /// Those that were listed, until the workloads are.
    revisions: Locked<ListedRevisions>,
}

/// What has become of a live report about a Pod that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// What it is to what is known.
    pub heard: Heard,
    /// Whether the Pod is to go.
    pub terminating: bool,
    /// The workload.
    pub workload: WorkloadRef,
}

/// How a Pod departs from its workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// It is gone, or at its end: what is known of it counts.
    Gone,
    /// It is shown no longer, and nothing says that it was to go: it is gone, unless it is being set free.
    Vanished,
    /// It lives on: nothing can be said of it any more.
    Left,
}

/// A Pod that our finalizer holds and that no workload accounts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The version in which the Pod was nobody's; none where its workload is gone.
    pub version: Option<String>,
    /// Whether others have made it, and the injector has put our finalizer on it.
    pub is_of_others: bool,
}

/// The workload that Pods name as their owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedOwner {
    /// Its namespace.
    pub namespace: String,
    /// Its name, as it was told.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl Index {
    /// What is remembered of a workload that is known to have this name.
    pub fn memory(&self, namespace: &str, owner: &Owner) -> Arc<Locked<Memory>> {
        let mut workloads = self.workloads.lock();
        let key = (namespace.to_owned(), owner.uid.clone());
        let known = workloads.entry(key).or_insert_with_key(|key| Known::of(key, &owner.name));
        // A Pod may have told another name: whoever makes a Pod writes what they like into it.
        known.name.clone_from(&owner.name);
        Arc::clone(&known.memory)
    }

    /// Whether anything is known of a workload of that namespace that has Pods of its own.
    pub fn holds(&self, namespace: &str) -> bool {
        self.of_namespace(namespace).iter().any(|(_, memory)| memory.lock().watching.is_none())
    }

    /// Takes in a Pod that a watch shows, and names the workload to be reconciled.
    pub(super) fn observe(
        &self,
        namespace: &str,
        report: ObservedPod,
        controller: &Controller,
        now: Timestamp,
    ) -> WorkloadRef {
        let workload = (namespace.to_owned(), controller.uid.clone());
        let uid = report.uid.clone();
        let pod = PodUid::from(&*uid);
        let mut before = self.places.lock().get(&pod).cloned();
        if let Some(place) = before.take_if(|place| *place.workload != workload) {
            // It is still there, so our finalizer on it is not left behind.
            self.depart(&place, &uid, Departure::Left, now);
        }
        let (workload, memory) = {
            let mut workloads = self.workloads.lock();
            let known = workloads.entry(workload).or_insert_with_key(|key| Known::of(key, &controller.name));
            (Arc::clone(&known.key), Arc::clone(&known.memory))
        };
        let number = memory.lock().sight(report, before.as_ref().map(|place| place.number), now);
        self.places.lock().insert(pod, Place { workload, number });
        // What came before the Pod had a number is about this Pod too.
        if number > 0 && before.is_none_or(|place| place.number == 0) {
            for evidence in self.early.lock().take(namespace, &uid) {
                memory.lock().observe_event(number, &uid, evidence, now);
            }
        }
        WorkloadRef::new(namespace, &controller.name)
    }

    /// Takes in that a Pod is gone, or ours no longer. If it is the latter, our finalizer must go too.
    pub(super) fn observe_departed(
        &self,
        uid: &str,
        departure: Departure,
        now: Timestamp,
    ) -> Option<WorkloadRef> {
        let place = self.places.lock().remove(&PodUid::from(uid))?;
        let fact = self.depart(&place, uid, departure, now);
        self.note_strays(&place.workload.0, fact.as_slice(), false);
        self.reference(&place.workload)
    }

    /// Takes a Pod out of its workload's set, and returns what was known of it.
    fn depart(&self, place: &Place, uid: &str, departure: Departure, now: Timestamp) -> Option<PodFact> {
        let memory = self.workloads.lock().get(&*place.workload).map(|known| Arc::clone(&known.memory))?;
        let mut memory = memory.lock();
        let newcomer = memory.observe_newcomer_gone(uid);
        // A Pod that was set free lives on, whatever its last sight was.
        let departure = match (memory.observe_departed(uid), departure) {
            (Some(true), _) | (Some(false), Departure::Vanished) => Departure::Left,
            (_, departure) => departure,
        };
        if place.number == 0 {
            return newcomer;
        }
        let fact = memory.replicas.get(place.number).cloned();
        if fact.as_ref().is_some_and(|fact| fact.uid != *uid) {
            return None;
        }
        match departure {
            Departure::Gone | Departure::Vanished => memory.observe_gone(place.number, now),
            Departure::Left => memory.observe_left(place.number),
        }
        fact
    }

    /// Whether the Pod is in the set of a workload.
    pub(super) fn has(&self, uid: &str) -> bool {
        self.places.lock().contains_key(&PodUid::from(uid))
    }

    /// Takes in what an Event of `namespace` says of a Pod. If it is none of ours there, it may yet become one.
    pub(super) fn observe_event(
        &self,
        namespace: &str,
        pod_uid: &str,
        evidence: PodEvidence,
        now: Timestamp,
    ) -> Vec<WorkloadRef> {
        let own = self.places.lock().get(&PodUid::from(pod_uid)).cloned();
        let mut places: Vec<Place> = own.into_iter().chain(self.watched_places(pod_uid)).collect();
        let awaits_number = places.extract_if(.., |place| !place.is_in(namespace)).count() > 0;
        for place in &places {
            if let Some(memory) = self.memory_of(&place.workload) {
                memory.lock().observe_event(place.number, pod_uid, evidence.clone(), now);
            }
        }
        if places.is_empty() || awaits_number {
            self.early.lock().put(namespace, pod_uid, evidence);
        }
        places.iter().filter_map(|place| self.reference(&place.workload)).collect()
    }

    /// Takes in what a runner tells of a run in a Pod of `namespace`, which several workloads may watch; none if no
    /// such Pod is known there.
    pub fn observe_live(
        &self,
        namespace: &str,
        pod_uid: &str,
        record: &Record,
        now: Timestamp,
    ) -> Vec<Reported> {
        let own = self.places.lock().get(&PodUid::from(pod_uid)).cloned();
        let watching = self.watched_places(pod_uid).into_iter().filter(|place| place.number > 0);
        let places = own.into_iter().chain(watching).filter(|place| place.workload.0 == namespace);
        let reported = places.filter_map(|place| {
            let memory = self.memory_of(&place.workload)?;
            let (heard, terminating) = memory.lock().observe_live(place.number, pod_uid, record.clone(), now);
            Some(Reported { heard, terminating, workload: self.reference(&place.workload)? })
        });
        reported.collect()
    }

    /// A complete list of the workloads' own Pods begins.
    pub fn list_begins(&self) {
        self.orphans.lock().list_begins();
        for (_, memory) in self.all_with_own_pods() {
            memory.lock().list_begins();
        }
    }

    /// The list is complete: what it has not shown is gone. Returns the workloads that have lost Pods by it.
    pub fn list_ends(&self, now: Timestamp) -> Vec<WorkloadRef> {
        let no_orphans = self.orphans.lock().list_ends();
        for (namespace, uid) in no_orphans {
            self.observe_no_orphan(&namespace, &uid, true);
        }
        let lost = |(workload, memory): (Key, Arc<Locked<Memory>>)| {
            let gone = memory.lock().list_ends(now);
            self.note_strays(&workload.0, &gone, false);
            self.unplace(&gone);
            self.reference(&workload).filter(|_| !gone.is_empty())
        };
        self.all_with_own_pods().into_iter().filter_map(lost).collect()
    }

    /// Remembers a Pod that our finalizer holds and that no workload accounts for.
    pub(super) fn note_stray(&self, stray: Stray) {
        self.strays.lock().insert(stray.uid.clone(), stray);
    }

    /// Remembers a stray again that was taken out and could not be let go. What a watch has shown of the Pod meanwhile
    /// is newer: of the version before, the server would refuse to let the Pod go, and no watch would show the Pod
    /// again.
    pub fn return_stray(&self, stray: Stray) {
        self.strays.lock().entry(stray.uid.clone()).or_insert(stray);
    }

    /// Takes all strays out, but those that have become a workload's.
    pub fn strays(&self) -> Vec<Stray> {
        let strays = std::mem::take(&mut *self.strays.lock());
        let is_somebodys = |stray: &Stray| {
            let is_held = || stray.is_of_others && self.is_held_for_any(&stray.namespace, &stray.uid);
            self.has(&stray.uid) || is_held()
        };
        strays.into_values().filter(|stray| !is_somebodys(stray)).collect()
    }

    /// The workloads of which anything is known.
    pub fn owners(&self) -> Vec<NamedOwner> {
        let named = |((namespace, uid), known): (&Key, &Known)| NamedOwner {
            namespace: namespace.clone(),
            name: known.name.clone(),
            uid: uid.clone(),
        };
        self.workloads.lock().iter().map(named).collect()
    }

    /// A workload is gone for good: its Pods are strays. Names the workloads that are to be reconciled because of it.
    pub fn disown(&self, namespace: &str, uid: &str) -> Vec<WorkloadRef> {
        let known = self.workloads.lock().remove(&(namespace.to_owned(), uid.to_owned()));
        let Some(known) = known else { return Vec::new() };
        self.forget_watcher(namespace, uid);
        let others = self.of_namespace(namespace).into_iter();
        let others = others.filter(|(_, memory)| memory.lock().overlapping.tell(uid, &known.name, false));
        let alone = others.map(|(name, _)| WorkloadRef::new(namespace, &name)).collect();
        let (pods, are_of_others): (Vec<PodFact>, bool) = {
            let memory = known.memory.lock();
            (memory.pods().cloned().collect(), memory.watching.is_some())
        };
        self.unplace(&pods);
        self.note_strays(namespace, &pods, are_of_others);
        alone
    }

    /// Remembers those Pods as strays that our finalizer still holds, as far as we know.
    fn note_strays(&self, namespace: &str, pods: &[PodFact], is_of_others: bool) {
        for pod in pods.iter().filter(|pod| pod.has_finalizer && pod.seen) {
            let (name, uid) = (pod.name.to_string(), pod.uid.to_string());
            let namespace = namespace.to_owned();
            self.note_stray(Stray { namespace, name, uid, version: None, is_of_others });
        }
    }

    fn unplace(&self, pods: &[PodFact]) {
        let mut places = self.places.lock();
        for pod in pods {
            places.remove(&pod.uid);
        }
    }

    fn reference(&self, workload: &Key) -> Option<WorkloadRef> {
        let name = self.workloads.lock().get(workload)?.name.clone();
        Some(WorkloadRef::new(&workload.0, &name))
    }

    fn memory_of(&self, workload: &Key) -> Option<Arc<Locked<Memory>>> {
        self.workloads.lock().get(workload).map(|known| Arc::clone(&known.memory))
    }

    /// Those that do not watch Pods of others, which another watch shows.
    fn all_with_own_pods(&self) -> Vec<(Key, Arc<Locked<Memory>>)> {
        let workloads = self.workloads.lock();
        let own = workloads.iter().filter(|(_, known)| known.memory.lock().watching.is_none());
        own.map(|(key, known)| (key.clone(), Arc::clone(&known.memory))).collect()
    }
}

mod places;
mod revisions;
mod unowned;
mod watched;

use places::{Key, Place, WatchedPods};
pub use watched::ShownWatched;

#[cfg(test)]
mod tests;
