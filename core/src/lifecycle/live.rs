//! Records that came over the live channel, and which instance of their container each belongs to.
//!
//! A record does not know the instance it belongs to: the runner cannot see `restartCount`. It is bound by the termination
//! log that holds the same run, or by its time and number, or not at all: then it says nothing, and the durable record
//! that follows does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hooked_crd::HookKind;
use hooked_protocol::{Record, RunId};

use super::evidence::{ContainerEvidence, InstanceEvidence};
use crate::lifecycle::ContainerShape;

/// Records that are remembered of a container. It has two hooks, which run one at a time; more can only be forged.
const MOST: usize = 8;

/// What came live of one container. A record's place is its beginning and its run, which no copy of it can change: so
/// the newest that are kept are the same in whatever order they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveRecords(BTreeMap<(u64, RunId), Record>);

impl LiveRecords {
    /// Takes in a record. The copy of a run that tells most is kept.
    pub fn insert(&mut self, record: Record) {
        let place = (record.start, record.run);
        if self.0.get(&place).is_none_or(|known| !known.supersedes(&record)) {
            self.0.insert(place, record);
        }
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Whether `record` would tell anything new.
    pub fn is_news(&self, record: &Record) -> bool {
        self.0.get(&(record.start, record.run)).is_none_or(|known| !known.supersedes(record))
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn merge(&mut self, other: Self) {
        for record in other.0.into_values() {
            self.insert(record);
        }
    }

    /// Forgets runs that began before the second `began`: they belong to instances that are forgotten.
    pub(super) fn prune(&mut self, began: i64) {
        self.0.retain(|_, record| second_of(record) >= began);
    }

    fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.values()
    }
}

/// A container with its live records where they belong.
#[derive(Clone, Debug)]
pub(super) struct Bound<'a> {
    /// The container, its live records among those of their instances.
    pub(super) container: Cow<'a, ContainerEvidence>,
    /// An instance whose postStart has begun, as a live record says, and that the kubelet does not show yet.
    pub(super) begun: Option<(u32, InstanceEvidence)>,
}

/// Binds what came live to the instances it belongs to. No instance follows the latest of a Pod that is `stopping`.
pub(super) fn bind<'a>(
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

/// Whether a record in a termination log is of a hook whose runner writes there. Anything else may be the program's.
fn is_logged(record: &Record, shape: &ContainerShape) -> bool {
    shape.hooks[record.hook].is_some_and(|hook| hook.recorded)
}

/// Adds a live record to an instance. An instance runs each hook once: what its log tells of comes first, then what began first. A
/// program that reports for a hook of its own has begun after that hook, and changes nothing.
fn add(instance: &mut InstanceEvidence, record: &Record) {
    let mut of_hook = instance.records.values().filter(|known| known.hook == record.hook);
    if of_hook.any(|known| known.run != record.run) && !instance.records.contains_key(&record.run) {
        return;
    }
    let known = std::mem::take(&mut instance.records);
    instance.records = hooked_protocol::merge(known.into_values().chain([record.clone()]));
}

/// The kind of hook that a record is of, if that hook of the container reports live.
fn live_kind(record: &Record, shape: &ContainerShape) -> Option<HookKind> {
    Some(record.hook).filter(|kind| shape.hooks[*kind].is_some_and(|hook| hook.live))
}

/// The instance that a record belongs to, if that is certain: the one whose termination log tells of the same run, or the
/// one that both its time and its number fit. The runner's clock is the node's, as the kubelet's is.
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
    let mut fitting = container.instances.iter().filter(|(number, instance)| {
        let next = container.instances.range(*number + 1..).next();
        let last = stopping && next.is_none();
        fits(record, kind, **number, instance, last, next.and_then(|(_, next)| next.started_at))
    });
    let (number, _) = fitting.next()?;
    fitting.next().is_none().then_some(*number)
}

/// Whether a run was in an instance and can have been in no other. Within the life of an instance no other is; in the seconds of
/// its beginning and its end, and while it has no end that is known, a postStart must have its number too. A preStop's
/// number tells of no instance, since many ends run none: there it must be the `last` instance, or one that goes on.
fn fits(
    record: &Record,
    kind: HookKind,
    number: u32,
    instance: &InstanceEvidence,
    last: bool,
    next: Option<i64>,
) -> bool {
    let second = second_of(record);
    let Some(began) = instance.started_at else { return false };
    let ended = instance.end.and_then(|end| end.finished_at);
    if second < began || ended.is_some_and(|ended| second > ended) || next.is_some_and(|next| second > next) {
        return false;
    }
    let within = second > began && ended.is_some_and(|ended| second < ended);
    match kind {
        HookKind::PostStart => within || execution(record) == Some(number),
        HookKind::PreStop => within || ((last || ended.is_none()) && (second > began || number == 1)),
    }
}

/// The number that the next instance will have. The kubelet counts a restart when the next instance exists.
fn unseen_instance(container: &ContainerEvidence) -> u32 {
    container.instances.last_key_value().map_or(1, |(latest, _)| latest + 1)
}

/// Whether a postStart run is certainly of the instance that comes after the latest that is known: that one has ended
/// before, and the run's number is that instance's.
fn is_of_unseen(container: &ContainerEvidence, record: &Record, unseen: u32) -> bool {
    let latest = container.instances.last_key_value();
    let after_the_latest = latest.is_none_or(|(_, instance)| {
        let finished = instance.end.and_then(|end| end.finished_at);
        finished.is_some_and(|finished| second_of(record) >= finished)
    });
    after_the_latest && execution(record) == Some(unseen)
}

fn execution(record: &Record) -> Option<u32> {
    record.numbering.as_ref().map(|numbering| numbering.execution)
}

/// The whole second of a run's beginning, as the kubelet would write it.
pub(super) fn second_of(record: &Record) -> i64 {
    i64::try_from(record.start / 1_000_000).unwrap_or(i64::MAX)
}
