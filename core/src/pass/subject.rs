//! The workload that a pass is about, with own writes that the watch has not shown yet.

use hooked_crd::HookedWorkload;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Memory;
use super::overlay::Committed;
use crate::accounting::ledger::{Gate, Ledger, LedgerError};
use crate::lifecycle::has_finalizer;
use crate::mutation::{Mutation, mutated};
use crate::names;
use crate::workload::desired::Desired;
use crate::workload::gate::{GateBasis, gate};
use crate::workload::target::Leaving;
use crate::workload::template::Owner;

/// Where a workload and its Pods are.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) namespace: String,
    pub(super) owner: Owner,
}

impl Site {
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        Self { namespace: metadata.namespace.clone().unwrap_or_default(), owner: Owner::of(metadata) }
    }
}

/// The workload that a pass is about.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) workload: &'a HookedWorkload,
    pub(super) site: Site,
    pub(super) generation: i64,
    pub(super) leaving: Option<Leaving>,
}

impl<'a> Subject<'a> {
    pub(super) fn of(workload: &'a HookedWorkload, memory: &mut Memory) -> Self {
        let metadata = &workload.metadata;
        Self {
            workload,
            site: Site::of(metadata),
            generation: metadata.generation.unwrap_or_default(),
            leaving: memory.leaving(metadata),
        }
    }

    /// The gate of the rollout that goes on, which follows from the one before.
    pub(super) fn gate(
        &self,
        before: Option<Gate>,
        desired: &Desired,
        committed: &Committed,
    ) -> Option<Gate> {
        let basis = GateBasis {
            rule: desired.gate.filter(|_| self.leaving.is_none()),
            asked: &desired.asked.name,
            current: committed.status.current_revision.as_deref(),
            opened_for: self.annotation(names::OPEN_GATE_ANNOTATION),
        };
        gate(before, &basis)
    }

    /// Why the user rolls out what the workload asks for, where the user tells it.
    pub(super) fn change_cause(&self) -> Option<&'a str> {
        self.annotation(names::CHANGE_CAUSE)
    }

    /// An annotation of the workload.
    pub(super) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.workload.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether our finalizer is on the workload.
    pub(super) fn has_finalizer(&self) -> bool {
        has_finalizer(&self.workload.metadata)
    }
}

/// The workload that a pass is about, and what is committed of it.
pub(super) fn take_up<'a>(
    workload: &'a HookedWorkload,
    memory: &mut Memory,
) -> Result<(Subject<'a>, Committed), LedgerError> {
    let subject = Subject::of(workload, memory);
    let before = committed(workload, memory)?;
    memory.know_high_water(before.ledger.high_water);
    Ok((subject, before))
}

/// What is committed of the workload: what the watch shows, or an own write that the watch has not shown yet.
pub(super) fn committed(workload: &HookedWorkload, memory: &mut Memory) -> Result<Committed, LedgerError> {
    let version = workload.metadata.resource_version.clone().unwrap_or_default();
    if let Some(overlay) = &memory.overlay {
        if let Some(committed) = overlay.over(&version) {
            return Ok(committed);
        }
        memory.overlay = None;
    }
    let status = workload.status.clone().unwrap_or_default();
    let ledger = Ledger::load(status.ledger.as_ref())?;
    Ok(Committed { version, status, ledger })
}

impl Memory {
    /// Remembers how a workload is deleted, if it is. Each version that the watch shows is looked at: what says so may
    /// be gone by the next.
    pub fn note_deletion(&mut self, metadata: &ObjectMeta) {
        if metadata.deletion_timestamp.is_none() {
            return;
        }
        for finalizer in metadata.finalizers.iter().flatten() {
            self.orphaning |= finalizer == names::ORPHAN_FINALIZER;
            self.in_foreground |= finalizer == names::FOREGROUND_FINALIZER;
        }
    }

    /// Whether a workload is being deleted, and how.
    pub(super) fn leaving(&mut self, metadata: &ObjectMeta) -> Option<Leaving> {
        self.note_deletion(metadata);
        metadata.deletion_timestamp.as_ref()?;
        Some(if self.orphaning && !mutated(Mutation::OrphansAreDeleted) {
            Leaving::WithoutPods
        } else {
            Leaving::WithPods
        })
    }
}
