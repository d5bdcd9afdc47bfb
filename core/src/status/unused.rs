//! The series that a workload has before anything was counted in them.
//!
//! Prometheus sees an increase only between two samples: of a counter that begins with its first failure it would see
//! none. So counters of what can happen to the template's containers are there from the first reconcile on, with 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accounting::ledger::{DurationKey, Histogram, KillKey, RunKey};
use crate::lifecycle::{ContainerShape, Hook, PerHook, PodShape};
use crate::workload::revision::Measuring;
use hooked_crd::{HandlerKind, HookKind, KillReason, Outcome, Source};

/// How a run can end that the runner has measured.
const MEASURED: [Outcome; 3] = [Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut];
/// How a run can end of which the kubelet's word is all there is.
const INFERRED: [Outcome; 5] =
    [Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut, Outcome::Skipped, Outcome::Unknown];

/// Why any container can be killed.
const ALWAYS: [KillReason; 8] = [
    KillReason::GracePeriodExceeded,
    KillReason::SpecChanged,
    KillReason::RestartAllContainers,
    KillReason::OomKilled,
    KillReason::Evicted,
    KillReason::ForceDeleted,
    KillReason::NodeLost,
    KillReason::Unknown,
];
const WITH_POST_START: [KillReason; 2] = [KillReason::PostStartHookFailed, KillReason::PostStartHookTimedOut];
const WITH_PRE_STOP: [KillReason; 3] = [
    KillReason::PreStopHookFailed,
    KillReason::PreStopHookTimedOut,
    KillReason::GracePeriodExceededInPreStop,
];
const WITH_PROBES: [KillReason; 2] = [KillReason::LivenessProbeFailed, KillReason::StartupProbeFailed];

/// No run of any hook of the template.
pub(super) fn runs(shape: &PodShape, measuring: &Measuring) -> BTreeMap<RunKey, u64> {
    let keys = shape.hooks().flat_map(|hook| {
        let by_runner = source(measuring, hook.handler) == Source::Runner;
        let recorded = MEASURED.into_iter().filter(move |_| by_runner).map(|end| (end, Source::Runner));
        let inferred = INFERRED.into_iter().map(|end| (end, Source::Kubelet));
        recorded.chain(inferred).map(move |(outcome, source)| RunKey {
            container: Arc::clone(&hook.container),
            hook: hook.kind,
            handler: hook.handler,
            outcome,
            source,
        })
    });
    keys.map(|key| (key, 0)).collect()
}

/// No run of any hook of the template that took any time, by the source that will tell it.
pub(super) fn durations(shape: &PodShape, measuring: &Measuring) -> BTreeMap<DurationKey, Histogram> {
    let keys = shape.hooks().map(|Hook { container, kind, handler }| {
        let source = source(measuring, handler);
        DurationKey { container, hook: kind, handler, source }
    });
    keys.map(|key| (key, Histogram::default())).collect()
}

/// Who tells of the runs of a handler, if all goes well.
fn source(measuring: &Measuring, handler: HandlerKind) -> Source {
    if measuring.measures(handler) { Source::Runner } else { Source::Kubelet }
}

/// No kill of any container of the template.
pub(super) fn kills(shape: &PodShape) -> BTreeMap<KillKey, u64> {
    let containers = shape.containers.iter();
    let keys = containers.flat_map(|(container, shape)| {
        reasons(shape).map(move |reason| KillKey { container: Arc::clone(container), reason })
    });
    keys.map(|key| (key, 0)).collect()
}

fn reasons(shape: &ContainerShape) -> impl Iterator<Item = KillReason> + use<> {
    let PerHook { post_start, pre_stop } = shape.hooks;
    let killed_by_probes = shape.killed_by_probes();
    let post_start = WITH_POST_START.into_iter().filter(move |_| post_start.is_some());
    let pre_stop = WITH_PRE_STOP.into_iter().filter(move |_| pre_stop.is_some());
    let probes = WITH_PROBES.into_iter().filter(move |_| killed_by_probes);
    ALWAYS.into_iter().chain(post_start).chain(pre_stop).chain(probes)
}

/// No stop of any container of the template.
pub(super) fn grace_used(shape: &PodShape) -> BTreeMap<Arc<str>, Histogram> {
    let containers = shape.containers.keys();
    containers.map(|container| (Arc::clone(container), Histogram::default())).collect()
}

/// No hook of the template that runs.
pub(super) fn running(shape: &PodShape) -> impl Iterator<Item = (Arc<str>, HookKind)> + '_ {
    shape.hooks().map(|hook| (hook.container, hook.kind))
}
