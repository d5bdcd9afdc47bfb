//! To which instance of its container a record belongs that came over the live channel.
//!
//! A record does not name its instance: the runner cannot see `restartCount`. A record belongs to the
//! instance whose termination log has the same run, or to the one that the record's time and number fit. A
//! record that belongs to no instance for certain is left out: the same record follows in the termination
//! log.

use std::borrow::Cow;

use hooked_crd::HookKind;
use hooked_protocol::Record;

use crate::lifecycle::evidence::{ContainerEvidence, InstanceEvidence};
use crate::lifecycle::record::{execution_of, second_of};
use crate::lifecycle::shape::ContainerShape;

/// A container with its live records where they belong.
#[derive(Clone, Debug)]
pub(crate) struct Bound<'a> {
    /// The container, its live records among those of their instances.
    pub(crate) container: Cow<'a, ContainerEvidence>,
    /// An instance whose postStart has begun by a live record, and that the kubelet does not show yet.
    pub(crate) begun: Option<(u32, InstanceEvidence)>,
}

/// Adds live records to the instances that they belong to. No instance follows the latest of a Pod that is
/// `stopping`.
pub(crate) fn bind<'a>(
    container: &'a ContainerEvidence,
    name: &str,
    shape: &ContainerShape,
    stopping: bool,
) -> Bound<'a> {
    let unlogged = shape.hooks.iter().any(|(_, hook)| hook.is_some_and(|hook| !hook.recorded));
    let logs = || container.instances.values().any(|instance| !instance.records.is_empty());
    if container.live.is_empty() && !(unlogged && logs()) {
        return Bound { container: Cow::Borrowed(container), begun: None };
    }
    let unseen = unseen_instance(container);
    let mut bound = container.clone();
    for instance in bound.instances.values_mut() {
        instance.records.retain(|_, record| is_logged(record, shape));
    }
    let mut begun: Option<(u32, InstanceEvidence)> = None;
    for record in container.live.iter().filter(|record| record.container == name) {
        let Some(kind) = live_kind(record, shape) else { continue };
        match instance_of(&bound, record, kind, stopping) {
            Some(number) => {
                if let Some(instance) = bound.instances.get_mut(&number) {
                    add(instance, record);
                }
            }
            None if kind == HookKind::PostStart && is_of_unseen(container, record, unseen) => {
                let (_, instance) = begun.get_or_insert_with(|| (unseen, InstanceEvidence::default()));
                add(instance, record);
            }
            None => {}
        }
    }
    Bound { container: Cow::Owned(bound), begun }
}

/// Whether a record in a termination log is of a hook whose runner writes there. Anything else may be the
/// program's.
fn is_logged(record: &Record, shape: &ContainerShape) -> bool {
    shape.hooks[record.hook].is_some_and(|hook| hook.recorded)
}

/// Adds a live record to an instance. An instance runs each hook once: the run in its log comes first, then
/// the run that began first. A program that reports a run of its container's hook does so after that hook has
/// begun, and changes nothing.
fn add(instance: &mut InstanceEvidence, record: &Record) {
    let is_other = |known: &Record| known.hook == record.hook && known.run != record.run;
    if instance.records.values().any(is_other) && !instance.records.contains_key(&record.run) {
        return;
    }
    let known = std::mem::take(&mut instance.records);
    let merged = hooked_protocol::merge(known.into_values().chain([record.clone()]));
    instance.records = merged.into_iter().collect();
}

/// The kind of hook that a record is of, if that hook of the container reports live.
fn live_kind(record: &Record, shape: &ContainerShape) -> Option<HookKind> {
    Some(record.hook).filter(|kind| shape.hooks[*kind].is_some_and(|hook| hook.live))
}

/// The instance that a record belongs to, if that is certain: the instance whose termination log has the same
/// run, or the only one that the record's time and number fit. The runner's clock is the node's, as the
/// kubelet's is.
fn instance_of(
    container: &ContainerEvidence,
    record: &Record,
    kind: HookKind,
    stopping: bool,
) -> Option<u32> {
    let logged = container.instances.iter().find(|(_, instance)| instance.records.contains_key(&record.run));
    if let Some((number, _)) = logged {
        return Some(*number);
    }
    let candidates = container.instances.iter().map(|(number, instance)| {
        let next = container.instances.range(*number + 1..).next();
        let next_began = next.and_then(|(_, next)| next.started_at);
        Candidate { number: *number, instance, next_began, last: stopping && next.is_none() }
    });
    let mut fitting = candidates.filter(|candidate| candidate.fits(record, kind));
    let number = fitting.next()?.number;
    fitting.next().is_none().then_some(number)
}

/// An instance that a record may belong to.
struct Candidate<'a> {
    number: u32,
    instance: &'a InstanceEvidence,
    /// The second in which the next instance began.
    next_began: Option<i64>,
    /// No instance will follow.
    last: bool,
}

impl Candidate<'_> {
    /// Whether a run was in this instance and can have been in no other one. Between the first and the last
    /// second of an instance there is no other. In those two seconds, and while no end of the instance is
    /// known, a postStart run must have the instance's number too. The number of a preStop run decides
    /// nothing, since many instances end without a preStop: the instance must be the last one, or go on.
    fn fits(&self, record: &Record, kind: HookKind) -> bool {
        let second = second_of(record);
        let Some(began) = self.instance.started_at else { return false };
        let ended = self.instance.end.and_then(|end| end.finished_at);
        let after = |end: Option<i64>| end.is_some_and(|end| second > end);
        if second < began || after(ended) || after(self.next_began) {
            return false;
        }
        let within = second > began && ended.is_some_and(|ended| second < ended);
        match kind {
            HookKind::PostStart => within || execution_of(record) == Some(self.number),
            HookKind::PreStop => {
                within || ((self.last || ended.is_none()) && (second > began || self.number == 1))
            }
        }
    }
}

/// The number that the next instance will have. The kubelet counts a restart when the next instance exists.
fn unseen_instance(container: &ContainerEvidence) -> u32 {
    container.instances.last_key_value().map_or(1, |(latest, _)| latest + 1)
}

/// Whether a postStart run is certainly of the `unseen` instance: the latest known instance had ended before
/// the run, and the run has the unseen instance's number.
fn is_of_unseen(container: &ContainerEvidence, record: &Record, unseen: u32) -> bool {
    let latest = container.instances.last_key_value();
    let after_the_latest = latest.is_none_or(|(_, instance)| {
        let finished = instance.end.and_then(|end| end.finished_at);
        finished.is_some_and(|finished| second_of(record) >= finished)
    });
    after_the_latest && execution_of(record) == Some(unseen)
}
