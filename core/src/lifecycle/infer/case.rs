//! One container of one Pod, as inference looks at it.

use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, KillReason};
use jiff::Timestamp;

use super::patience::Patience;
use crate::lifecycle::evidence::{ContainerEvidence, InstanceEvidence, PodEvidence};
use crate::lifecycle::mark::Mark;
use crate::lifecycle::rules::{Verdict, View};
use crate::lifecycle::run::{HookRun, HookRunId, Kill};
use crate::lifecycle::shape::ContainerShape;

/// One container of one Pod.
pub(super) struct Case<'a> {
    pub(super) evidence: &'a PodEvidence,
    pub(super) name: &'a Arc<str>,
    pub(super) shape: &'a ContainerShape,
    /// The container's evidence, live records among those of their instances.
    pub(super) container: &'a ContainerEvidence,
    /// An instance whose postStart has begun by its runner's record, and that the kubelet does not show yet.
    pub(super) begun: Option<(u32, InstanceEvidence)>,
    pub(super) counted: Mark,
    pub(super) patience: Patience,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// The view of an instance that the kubelet has shown.
    pub(super) fn view(&self, number: u32) -> Option<View<'_>> {
        let instance = self.container.instances.get(&number)?;
        View::of(self.evidence, self.name, self.container, (number, instance), self.counted)
    }

    /// The view of the instance that has begun by its runner's record.
    pub(super) fn view_of_begun(&self) -> Option<View<'_>> {
        let (number, instance) = self.begun.as_ref()?;
        View::of(self.evidence, self.name, self.container, (*number, instance), self.counted)
    }

    /// The id of the run of `hook` that is numbered by its instance.
    pub(super) fn id(&self, hook: HookKind, execution: u32) -> HookRunId {
        let (pod_uid, container) = (Arc::clone(&self.evidence.uid), Arc::clone(self.name));
        HookRunId { pod_uid, container, hook, instance: execution, execution }
    }

    /// A run without what only its record knows.
    pub(super) fn run(
        &self,
        hook: HookKind,
        instance: u32,
        handler: HandlerKind,
        verdict: Verdict,
        began: Option<i64>,
    ) -> HookRun {
        HookRun {
            id: self.id(hook, instance),
            pod: Arc::clone(&self.evidence.pod),
            node: self.evidence.node.clone(),
            handler,
            outcome: verdict.outcome,
            source: verdict.source,
            start_time: began.and_then(second),
            duration: None,
            exit_code: None,
            attempts: None,
            message: verdict.message,
            output: String::new(),
            overdue_at: None,
        }
    }

    /// A kill of the container.
    pub(super) fn kill(&self, reason: KillReason, time: Option<Timestamp>) -> Kill {
        Kill { pod: Arc::clone(&self.evidence.pod), container: Arc::clone(self.name), reason, time }
    }
}

/// A time that is known to the second.
pub(super) fn second(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}
