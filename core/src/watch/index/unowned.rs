//! Pods that nobody controls, and the workloads that ask for them.

use std::sync::Arc;

use super::{Index, WorkloadRef};
use crate::pass::{Locked, Memory, Orphan};
use crate::watch::claim::Claim;
use crate::workload::template::Owner;

impl Index {
    /// Takes in what a workload asks for. Names the workloads that are to be reconciled because of it: those
    /// whose Pods it asks for too, or did until now.
    pub(in crate::watch) fn observe_claim(
        &self,
        namespace: &str,
        owner: &Owner,
        claim: &Claim,
    ) -> Vec<WorkloadRef> {
        let memory = self.memory(namespace, owner);
        {
            let mut memory = memory.lock();
            if !memory.knows_selector() {
                memory.know_selector(&claim.selector);
                for orphan in self.orphans.lock().of(namespace) {
                    memory.show_orphan(orphan);
                }
            }
        }
        let key = (namespace.to_owned(), owner.uid.clone());
        let mut workloads = self.workloads.lock();
        let Some(known) = workloads.get_mut(&key) else { return Vec::new() };
        if known.claim.as_ref() == Some(claim) {
            return Vec::new();
        }
        known.claim = Some(claim.clone());
        let others = workloads.range((namespace.to_owned(), String::new())..);
        let others =
            others.take_while(|((other, _), _)| other == namespace).filter(|(other, _)| **other != key);
        let mut changed = Vec::new();
        for ((_, uid), other) in others {
            let Some(their_claim) = &other.claim else { continue };
            let overlaps = claim.overlaps(their_claim);
            let has_changed = memory.lock().overlapping.tell(uid, &other.name, overlaps);
            if has_changed {
                other.memory.lock().overlapping.tell(&owner.uid, &owner.name, overlaps);
                changed.push(WorkloadRef::new(namespace, &other.name));
            }
        }
        changed
    }

    /// Takes in a Pod that nobody controls, and names the workloads that may take the Pod over. Where a watch
    /// shows such Pods before their workloads, a Pod with our label (`is_labelled`) is remembered for them.
    pub(in crate::watch) fn observe_orphan(
        &self,
        namespace: &str,
        orphan: &Orphan,
        is_labelled: bool,
    ) -> Vec<WorkloadRef> {
        if is_labelled {
            self.orphans.lock().show_labelled(namespace, orphan);
        }
        let (mut takers, mut is_selected) = (Vec::new(), false);
        for (name, memory) in self.of_namespace(namespace) {
            let may_take = memory.lock().show_orphan(orphan);
            is_selected |= may_take.is_some();
            takers.extend((may_take == Some(true)).then(|| WorkloadRef::new(namespace, &name)));
        }
        if !is_labelled && is_selected {
            self.orphans.lock().show_foreign(namespace, orphan);
        }
        takers
    }

    /// Takes in that a Pod is somebody's, or gone, as the watch of Pods with our label shows it, or else the other one.
    pub(in crate::watch) fn observe_no_orphan(&self, namespace: &str, uid: &str, is_labelled: bool) {
        let was_known = {
            let mut orphans = self.orphans.lock();
            if is_labelled {
                orphans.remove_labelled(namespace, uid)
            } else {
                orphans.remove_foreign(namespace, uid)
            }
        };
        if was_known {
            for (_, memory) in self.of_namespace(namespace) {
                memory.lock().show_no_orphan(uid);
            }
        }
    }

    /// The workloads of a namespace, by their names.
    pub(super) fn of_namespace(&self, namespace: &str) -> Vec<(String, Arc<Locked<Memory>>)> {
        let workloads = self.workloads.lock();
        let all = workloads.range((namespace.to_owned(), String::new())..);
        let all = all.take_while(|((other, _), _)| other == namespace);
        all.map(|(_, known)| (known.name.clone(), Arc::clone(&known.memory))).collect()
    }
}
