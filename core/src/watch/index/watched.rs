//! Pods that others make, by the workloads that watch them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hooked_crd::Referent;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::places::{Key, Namespace, Place, WatchedPods};
use super::{Departure, Index, Stray, WorkloadRef};
use crate::lifecycle::{PodUid, has_finalizer, watched_ordinal};
use crate::pass::{Controlled, Locked, Memory, Watching};
use crate::watch::{SlimPod, is_held_of_others};
use crate::workload::template::Owner;

/// What has become of a Pod of others that a watch has shown.
#[derive(Clone, Debug, PartialEq)]
pub enum ShownWatched {
    /// These workloads are to be reconciled.
    Taken(Vec<WorkloadRef>),
    /// Who controls this object is to be found out first; then the Pod is to be shown again.
    Ask(OwnerReference),
}

impl Index {
    /// Takes in that a workload watches the Pods of another.
    pub(in crate::watch) fn observe_watcher(&self, metadata: &ObjectMeta, referent: &Referent) {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let owner = Owner::of(metadata);
        let memory = self.memory(namespace, &owner);
        let mut watched = self.watched.lock();
        let WatchedPods { namespaces, came, .. } = &mut *watched;
        let known = namespaces.entry(namespace.to_owned()).or_default();
        if has_finalizer(metadata) {
            known.holding.insert(owner.uid.clone());
        } else {
            known.holding.remove(&owner.uid);
        }
        if known.watchers.insert(owner.uid.clone(), referent.clone()).is_none() {
            *came += 1;
            known.came = *came;
            known.bearing.insert(watched_ordinal(&owner.uid), owner.uid);
            let since = metadata.creation_timestamp.as_ref().map(|time| time.0);
            memory.lock().watching = Some(Watching::since(since));
        }
    }

    /// Which workload that watches Pods in the namespace was the last that came: where that has changed, the Pods are
    /// to be listed anew. None where no workload watches any.
    pub fn watchers(&self, namespace: &str) -> Option<u64> {
        let watched = self.watched.lock();
        watched.namespaces.get(namespace).filter(|known| !known.watchers.is_empty()).map(|known| known.came)
    }

    /// A Pod is there, in a namespace in which Pods of others are watched.
    pub fn show_watched(&self, pod: &SlimPod, now: Timestamp) -> ShownWatched {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        match self.watchers_of(namespace, &pod.metadata) {
            Ok(watchers) => {
                let mut workloads = self.take_watched(pod, &watchers, now);
                workloads.extend(self.tell_that_they_overlap(namespace, &watchers));
                let uid = pod.metadata.uid.as_deref().unwrap_or_default();
                if !self.is_held_for_any(namespace, uid) && self.is_certain(namespace, &pod.metadata) {
                    self.note_held(&pod.metadata);
                }
                ShownWatched::Taken(workloads)
            }
            Err(ask) => ShownWatched::Ask(ask),
        }
    }

    /// The same where nobody knows who controls the Pod: those that have given the Pod a number know it.
    pub fn show_watched_uncertain(&self, pod: &SlimPod, now: Timestamp) -> Vec<WorkloadRef> {
        self.take_watched(pod, &[], now)
    }

    /// Takes in a Pod that is one of these workloads'. A workload that has given it a number counts it to its end,
    /// whoever controls it meanwhile: of a Pod that comes back everything that is counted would be counted again.
    fn take_watched(&self, pod: &SlimPod, watchers: &[String], now: Timestamp) -> Vec<WorkloadRef> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let uid = PodUid::from(pod.metadata.uid.as_deref().unwrap_or_default());
        let numbered = self.numbered_by(namespace, pod);
        let is_seen = |workload: &String| watchers.contains(workload) || numbered.contains(workload);
        let departure = if pod.is_ending() { Departure::Gone } else { Departure::Left };
        let left = self.places_of(&uid, |place| place.number == 0 && !is_seen(&place.workload.1));
        let mut workloads = self.depart_watched(&uid, left, departure, now);
        let known = self.places_of(&uid, |place| place.number > 0);
        let known = known.iter().map(|place| place.workload.1.clone());
        let away: BTreeSet<String> =
            numbered.into_iter().chain(known).filter(|workload| !watchers.contains(workload)).collect();
        for (workload, is_its) in watchers
            .iter()
            .map(|workload| (workload, true))
            .chain(away.iter().map(|workload| (workload, false)))
        {
            workloads.extend(self.observe_watched(namespace, pod.clone(), workload, is_its, now));
        }
        workloads
    }

    /// The workloads of the namespace that have given the Pod a number.
    fn numbered_by(&self, namespace: &str, pod: &SlimPod) -> Vec<String> {
        let watched = self.watched.lock();
        let Some(Namespace { bearing, .. }) = watched.namespaces.get(namespace) else { return Vec::new() };
        let workloads = pod.watched_annotations().filter_map(|annotation| bearing.get(annotation));
        workloads.filter(|workload| pod.is_numbered_by(workload)).cloned().collect()
    }

    /// A Pod of others is there that our finalizer was put on: where no workload watches any Pod, nobody would take it
    /// off.
    pub fn show_held(&self, pod: &ObjectMeta) {
        let namespace = pod.namespace.as_deref().unwrap_or_default();
        if self.watchers(namespace).is_none() {
            self.note_held(pod);
        }
    }

    /// Whether it is known whose the Pod is: who controls what controls the Pod could be read.
    fn is_certain(&self, namespace: &str, pod: &ObjectMeta) -> bool {
        let watched = self.watched.lock();
        watched.namespaces.get(namespace).is_none_or(|known| !known.chains.ends_unread(pod))
    }

    /// Whether a workload takes our finalizer off the Pod once the Pod's hooks are counted: one that watches the Pod,
    /// and holds Pods.
    pub(super) fn is_held_for_any(&self, namespace: &str, uid: &str) -> bool {
        let places = self.watched_places(uid);
        let watched = self.watched.lock();
        let known = watched.namespaces.get(namespace);
        known.is_some_and(|known| places.iter().any(|place| known.holding.contains(&place.workload.1)))
    }

    /// Nobody takes our finalizer off a Pod of others: should it be on the Pod, the Pod is a stray. It may become
    /// somebody's, and then has changed.
    fn note_held(&self, pod: &ObjectMeta) {
        if !is_held_of_others(pod) {
            return;
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let version = pod.resource_version.clone();
        let (namespace, name, uid) = (text(&pod.namespace), text(&pod.name), text(&pod.uid));
        self.note_stray(Stray { namespace, name, uid, version, is_of_others: true });
    }

    /// The Pod is gone; this is how it was seen last.
    pub fn show_watched_last(&self, pod: &SlimPod, now: Timestamp) -> Vec<WorkloadRef> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let uid = PodUid::from(pod.metadata.uid.as_deref().unwrap_or_default());
        let places = self.places_of(&uid, |_| true);
        for place in &places {
            self.observe_watched(namespace, pod.clone(), &place.workload.1, true, now);
        }
        // Its number may have been seen only now.
        let places = self.places_of(&uid, |_| true);
        self.depart_watched(&uid, places, Departure::Gone, now)
    }

    /// Takes in who controls an object of the namespace.
    pub fn show_controller(&self, namespace: &str, object: &OwnerReference, controlled: Controlled) {
        if let Some(known) = self.watched.lock().namespaces.get_mut(namespace) {
            known.chains.learn(object, controlled);
        }
    }

    /// A complete list of the Pods of a namespace begins.
    pub fn watched_list_begins(&self, namespace: &str) {
        let listing = {
            let mut watched = self.watched.lock();
            let Some(known) = watched.namespaces.get_mut(namespace) else { return };
            known.chains.list_begins();
            known.listing = known.watchers.keys().cloned().collect();
            known.listing.clone()
        };
        for (_, memory) in self.memories(namespace, &listing) {
            memory.lock().list_begins();
        }
    }

    /// The list is complete: what it has not shown is gone. Returns the workloads that watch Pods there.
    pub fn watched_list_ends(&self, namespace: &str, now: Timestamp) -> Vec<WorkloadRef> {
        let listing = {
            let mut watched = self.watched.lock();
            let Some(known) = watched.namespaces.get_mut(namespace) else { return Vec::new() };
            known.chains.list_ends();
            std::mem::take(&mut known.listing)
        };
        let memories = self.memories(namespace, &listing);
        for (workload, memory) in &memories {
            let gone = {
                let mut memory = memory.lock();
                if let Some(watching) = &mut memory.watching {
                    watching.listed();
                }
                memory.list_ends(now)
            };
            for fact in gone {
                self.unplace_watched(&fact.uid, workload);
            }
        }
        memories.iter().filter_map(|(workload, _)| self.reference(workload)).collect()
    }

    /// Where a Pod belongs that is watched.
    pub(super) fn watched_places(&self, uid: &str) -> Vec<Place> {
        self.places_of(&PodUid::from(uid), |_| true)
    }

    /// The workload is gone: nothing is watched for it any more.
    pub(super) fn forget_watcher(&self, namespace: &str, uid: &str) {
        let mut watched = self.watched.lock();
        let WatchedPods { namespaces, places, .. } = &mut *watched;
        let Some(known) = namespaces.get_mut(namespace) else { return };
        if known.watchers.remove(uid).is_none() {
            return;
        }
        known.holding.remove(uid);
        known.bearing.remove(&watched_ordinal(uid));
        places.retain(|_, of_pod| {
            of_pod.retain(|place| place.workload.1 != uid);
            !of_pod.is_empty()
        });
        if known.watchers.is_empty() {
            namespaces.remove(namespace);
        }
    }

    /// The workloads that watch a Pod, by UID, or whose controller must be known to say so.
    fn watchers_of(&self, namespace: &str, pod: &ObjectMeta) -> Result<Vec<String>, OwnerReference> {
        let mut watched = self.watched.lock();
        let Some(Namespace { watchers, chains, .. }) = watched.namespaces.get_mut(namespace) else {
            return Ok(Vec::new());
        };
        let leading = chains.leading(pod, watchers.iter())?;
        Ok(leading.into_iter().cloned().collect())
    }

    fn observe_watched(
        &self,
        namespace: &str,
        pod: SlimPod,
        workload: &str,
        is_its: bool,
        now: Timestamp,
    ) -> Option<WorkloadRef> {
        let report = pod.into_watched_report(workload);
        let (key, memory) = {
            let workloads = self.workloads.lock();
            let known = workloads.get(&(namespace.to_owned(), workload.to_owned()))?;
            (Arc::clone(&known.key), Arc::clone(&known.memory))
        };
        let (text, uid) = (report.uid.clone(), PodUid::from(&*report.uid));
        let before = self.places_of(&uid, |place| place.workload.1 == workload).pop();
        let before = before.map(|place| place.number);
        let number = {
            let mut memory = memory.lock();
            let number = memory.sight(report, before, now);
            // It runs on, and is not one of those that there are.
            if number > 0 && !is_its {
                memory.replicas.unselect(number);
            }
            number
        };
        let place = Place { workload: Arc::clone(&key), number };
        {
            let mut watched = self.watched.lock();
            let places = watched.places.entry(uid).or_default();
            places.retain(|known| known.workload != key);
            places.push(place);
        }
        if number > 0 && before.is_none_or(|number| number == 0) {
            // Others that watch the Pod may not have given it a number yet.
            for evidence in self.early.lock().read(namespace, &text) {
                memory.lock().observe_event(number, &text, evidence, now);
            }
        }
        self.reference(&key)
    }

    fn depart_watched(
        &self,
        uid: &PodUid,
        places: Vec<Place>,
        departure: Departure,
        now: Timestamp,
    ) -> Vec<WorkloadRef> {
        let depart = |place: Place| {
            self.depart(&place, &uid.text(), departure, now);
            self.unplace_watched(uid, &place.workload);
            self.reference(&place.workload)
        };
        places.into_iter().filter_map(depart).collect()
    }

    fn unplace_watched(&self, uid: &PodUid, workload: &Key) {
        let mut watched = self.watched.lock();
        if let Some(places) = watched.places.get_mut(uid) {
            places.retain(|place| *place.workload != *workload);
            if places.is_empty() {
                watched.places.remove(uid);
            }
        }
    }

    /// Several workloads watch one Pod: each is told of the others.
    fn tell_that_they_overlap(&self, namespace: &str, watchers: &[String]) -> Vec<WorkloadRef> {
        if watchers.len() < 2 {
            return Vec::new();
        }
        let memories = self.memories(namespace, watchers);
        let mut changed = Vec::new();
        for (workload, memory) in &memories {
            let others = memories.iter().filter(|(other, _)| other != workload);
            let named = others.filter_map(|(other, _)| Some((other.1.clone(), self.reference(other)?.name)));
            let named: Vec<(String, String)> = named.collect();
            let mut memory = memory.lock();
            let told = named.iter().filter(|(uid, name)| memory.overlapping.tell(uid, name, true)).count();
            if told > 0 {
                changed.extend(self.reference(workload));
            }
        }
        changed
    }

    fn memories(&self, namespace: &str, uids: &[String]) -> Vec<(Key, Arc<Locked<Memory>>)> {
        let workloads = self.workloads.lock();
        let keys = uids.iter().map(|uid| (namespace.to_owned(), uid.clone()));
        let known = keys.filter_map(|key| Some((workloads.get(&key)?.memory.clone(), key)));
        known.map(|(memory, key)| (key, memory)).collect()
    }

    fn places_of(&self, uid: &PodUid, is_meant: impl Fn(&Place) -> bool) -> Vec<Place> {
        let watched = self.watched.lock();
        watched.places.get(uid).into_iter().flatten().filter(|place| is_meant(place)).cloned().collect()
    }
}
