//! Pods by the workload that owns them: the only cache of Pods there is.

use std::collections::HashMap;
use std::sync::Arc;

use hooked_core::hooks::evidence::PodEvidence;
use hooked_core::hooks::kubelet;
use hooked_core::pod::{PodFact, PodReport};
use hooked_core::tally::PodSet;
use jiff::Timestamp;
use kube_runtime::reflector::ObjectRef;

use super::slim::Controller;
use super::workloads::Guarded;
use crate::context::Locked;

/// A workload: its namespace and UID. The namespace is a part of it, so that a Pod of one namespace can never name a
/// workload of another as its owner.
type Owner = (String, String);

/// Where a Pod belongs.
#[derive(Clone, Debug)]
struct Place {
    owner: Owner,
    workload: String,
    ordinal: u64,
}

/// Pods by the workload that owns them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    sets: Locked<HashMap<Owner, Arc<Locked<PodSet>>>>,
    places: Locked<HashMap<String, Place>>,
    strays: Locked<HashMap<String, Stray>>,
}

/// A Pod that our finalizer holds and that no workload accounts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// The workload that Pods name as their owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedOwner {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

impl Index {
    /// The Pods of a workload.
    pub(crate) fn pods(&self, namespace: &str, uid: &str) -> Arc<Locked<PodSet>> {
        let owner = (namespace.to_owned(), uid.to_owned());
        Arc::clone(self.sets.lock().entry(owner).or_default())
    }

    /// Forgets a workload that is gone.
    pub(crate) fn forget(&self, namespace: &str, uid: &str) {
        let pods = self.sets.lock().remove(&(namespace.to_owned(), uid.to_owned()));
        let uids: Vec<_> = pods
            .iter()
            .flat_map(|pods| pods.lock().iter().map(|pod| pod.uid.clone()).collect::<Vec<_>>())
            .collect();
        let mut places = self.places.lock();
        for uid in uids {
            places.remove(&*uid);
        }
    }

    /// Takes in a Pod that a watch shows, and names the workload to be reconciled.
    pub(super) fn observe(
        &self,
        namespace: &str,
        report: &PodReport,
        controller: &Controller,
    ) -> ObjectRef<Guarded> {
        let now = Timestamp::now();
        let owner = (namespace.to_owned(), controller.uid.clone());
        let place = Place { owner, workload: controller.name.clone(), ordinal: report.ordinal };
        self.places.lock().insert(report.uid.clone(), place);
        let pods = self.pods(namespace, &controller.uid);
        pods.lock().observe(PodFact::of(report), kubelet::read_pod(report, now), now);
        ObjectRef::new(&controller.name).within(namespace)
    }

    /// Takes in that a Pod is gone, or ours no longer.
    pub(super) fn observe_gone(&self, uid: &str) -> Option<ObjectRef<Guarded>> {
        let place = self.places.lock().remove(uid)?;
        let pods = self.pods(&place.owner.0, &place.owner.1);
        pods.lock().observe_gone(place.ordinal, Timestamp::now());
        Some(ObjectRef::new(&place.workload).within(&place.owner.0))
    }

    /// Takes in what an Event says of a Pod; nothing if it is none of ours.
    pub(super) fn observe_event(&self, pod_uid: &str, evidence: PodEvidence) -> Option<ObjectRef<Guarded>> {
        let place = self.places.lock().get(pod_uid).cloned()?;
        let pods = self.pods(&place.owner.0, &place.owner.1);
        pods.lock().observe_event(place.ordinal, pod_uid, evidence, Timestamp::now());
        Some(ObjectRef::new(&place.workload).within(&place.owner.0))
    }

    /// A complete list of Pods begins.
    pub(super) fn list_begins(&self) {
        for pods in self.all() {
            pods.lock().list_begins();
        }
    }

    /// The list is complete: what it has not shown is gone.
    pub(super) fn list_ends(&self) {
        let now = Timestamp::now();
        for pods in self.all() {
            pods.lock().list_ends(now);
        }
    }

    /// Remembers a Pod that our finalizer holds and that no workload accounts for.
    pub(crate) fn note_stray(&self, stray: Stray) {
        self.strays.lock().insert(stray.uid.clone(), stray);
    }

    /// Takes all strays out.
    pub(crate) fn strays(&self) -> Vec<Stray> {
        std::mem::take(&mut *self.strays.lock()).into_values().collect()
    }

    /// The workloads that present Pods name as their owners.
    pub(crate) fn owners(&self) -> Vec<NamedOwner> {
        let named = |((namespace, uid), pods): (&Owner, &Arc<Locked<PodSet>>)| {
            let first = pods.lock().iter().map(|pod| pod.uid.clone()).find(|uid| !uid.is_empty())?;
            let name = self.places.lock().get(&*first)?.workload.clone();
            Some(NamedOwner { namespace: namespace.clone(), name, uid: uid.clone() })
        };
        self.sets.lock().iter().filter_map(named).collect()
    }

    /// A workload is gone for good: its Pods are strays.
    pub(crate) fn disown(&self, owner: &NamedOwner) {
        let pods = self.pods(&owner.namespace, &owner.uid);
        let held: Vec<_> = pods.lock().iter().filter(|pod| pod.held && pod.seen).cloned().collect();
        self.forget(&owner.namespace, &owner.uid);
        for pod in held {
            let (namespace, name, uid) = (owner.namespace.clone(), pod.name.to_string(), pod.uid.to_string());
            self.note_stray(Stray { namespace, name, uid });
        }
    }

    fn all(&self) -> Vec<Arc<Locked<PodSet>>> {
        self.sets.lock().values().cloned().collect()
    }
}
