//! What is kept of a Pod of which nothing is known but that it runs, or is to be started.

use std::sync::Arc;

use jiff::Timestamp;

use super::container_id::ContainerId;
use super::numbered::Numbered;
use super::plain_record::PlainRecord;
use super::{ContainerEvidence, EventEvidence, InstanceEvidence, PodEvidence};
use crate::interned::{Interned, Text};
use crate::lifecycle::pod_name::PodName;
use crate::lifecycle::shape::PodShape;
use crate::lifecycle::uid::PodUid;

/// What Pods of a workload have in common.
#[derive(Debug, Default)]
pub(crate) struct Common {
    pub(super) shapes: Interned<PodShape>,
    texts: Interned<Text>,
}

/// A Pod whose containers run, or are to be started.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plain {
    pod: PodName,
    uid: PodUid,
    revision: Arc<Text>,
    node: Option<Arc<Text>>,
    shape: Arc<PodShape>,
    containers: Box<[PlainContainer]>,
    /// What came live of the containers' postStart hooks.
    records: Box<[PlainRecord]>,
    created: Second,
    changed: bool,
}

/// A container that runs, or is to be started.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PlainContainer {
    container: Option<ContainerId>,
    /// Nanoseconds since 1970.
    running_seen: i64,
    started_at: Second,
    ready_at: Second,
    /// Up to when instances had been started, by which this one is numbered.
    numbered: Second,
    is_numbered: bool,
    /// The number of the instance that runs; 0 if none does.
    instance: u16,
    /// Which of the containers in the Pod's shape it is.
    place: u8,
}

/// A second since 1970, if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Second(u32);

impl Second {
    const UNKNOWN: Self = Self(u32::MAX);

    /// None if it is too far away.
    fn of(second: Option<i64>) -> Option<Self> {
        let Some(second) = second else { return Some(Self::UNKNOWN) };
        u32::try_from(second).ok().map(Self).filter(|second| *second != Self::UNKNOWN)
    }

    fn get(self) -> Option<i64> {
        (self != Self::UNKNOWN).then_some(i64::from(self.0))
    }
}

impl Plain {
    /// None if there is more to it.
    pub(super) fn of(evidence: &PodEvidence, common: &mut Common) -> Option<Self> {
        let PodEvidence { pod, uid, revision, created, node, shape, containers, changed, .. } = evidence;
        let PodEvidence { stop: None, evicted_at: None, node_lost: false, closed: None, .. } = evidence
        else {
            return None;
        };
        let mut records = Vec::new();
        let mut plain = |(name, known): (&Arc<str>, &ContainerEvidence)| {
            let place = shape.containers.keys().position(|other| other == name)?;
            let place = u8::try_from(place).ok()?;
            for record in known.live.iter() {
                records.push(PlainRecord::of(place, name, record)?);
            }
            PlainContainer::of(place, known)
        };
        Some(Self {
            created: Second::of(*created)?,
            containers: containers.iter().map(&mut plain).collect::<Option<_>>()?,
            records: records.into(),
            pod: PodName::from(&**pod).shared(&mut common.texts),
            uid: PodUid::from(&**uid),
            revision: common.texts.share(Text::of(revision)),
            node: node.as_deref().map(|node| common.texts.share(Text::of(node))),
            shape: common.shapes.share(Arc::clone(shape)),
            changed: *changed,
        })
    }

    /// The evidence.
    pub(super) fn evidence(&self) -> PodEvidence {
        let names: Vec<&Arc<str>> = self.shape.containers.keys().collect();
        let containers = self.containers.iter().filter_map(|known| {
            let name = names.get(usize::from(known.place))?;
            let mut evidence = known.evidence();
            for record in self.records.iter().filter(|record| record.place == known.place) {
                evidence.live.insert(record.record(name));
            }
            Some((Arc::clone(name), evidence))
        });
        PodEvidence {
            pod: self.pod.text(),
            uid: self.uid.text(),
            revision: self.revision.as_str().into(),
            created: self.created.get(),
            node: self.node.as_ref().map(|node| node.as_str().into()),
            shape: Arc::clone(&self.shape),
            stop: None,
            evicted_at: None,
            node_lost: false,
            changed: self.changed,
            closed: None,
            containers: containers.collect(),
        }
    }

    /// Whether all instances have their numbers.
    pub(super) fn is_numbered(&self) -> bool {
        self.containers.iter().all(|container| container.is_numbered)
    }

    /// See [`PodEvidence::youngest_start`].
    pub(super) fn youngest_start(&self) -> Option<i64> {
        let records = self.records.iter().map(|record| record.second());
        self.containers.iter().filter_map(|known| known.started_at.get()).chain(records).max()
    }
}

impl PlainContainer {
    fn of(place: u8, known: &ContainerEvidence) -> Option<Self> {
        let ContainerEvidence { instances, events, live: _, numbered } = known;
        if *events != EventEvidence::default() || instances.len() > 1 {
            return None;
        }
        let nothing = InstanceEvidence::default();
        let (number, instance) = instances.first_key_value().unwrap_or((&0, &nothing));
        let InstanceEvidence { container, started_at, running_seen, ready_at, .. } = *instance;
        let is_plain = *instance
            == InstanceEvidence { container, started_at, running_seen, ready_at, ..Default::default() };
        let is_known = *number > 0 || instances.is_empty();
        let numbered_by = numbered.and_then(|numbered| numbered.started_at);
        let plainly = Numbered { anew: None, latest: *number, started_at: numbered_by, container };
        let is_plainly_numbered = numbered.is_none_or(|numbered| numbered == plainly);
        (is_plain && is_known && is_plainly_numbered).then_some(())?;
        Some(Self {
            container,
            running_seen: nanoseconds(running_seen)?,
            started_at: Second::of(started_at)?,
            ready_at: Second::of(ready_at)?,
            numbered: Second::of(numbered_by)?,
            is_numbered: numbered.is_some(),
            instance: u16::try_from(*number).ok()?,
            place,
        })
    }

    fn evidence(self) -> ContainerEvidence {
        let Self { container, running_seen, started_at, ready_at, numbered, instance, .. } = self;
        let latest = u32::from(instance);
        let facts = InstanceEvidence {
            container,
            started_at: started_at.get(),
            running_seen: timestamp(running_seen),
            ready_at: ready_at.get(),
            ..InstanceEvidence::default()
        };
        let numbered = Numbered { anew: None, latest, started_at: numbered.get(), container };
        ContainerEvidence {
            instances: (latest > 0).then_some((latest, facts)).into_iter().collect(),
            numbered: self.is_numbered.then_some(numbered),
            ..ContainerEvidence::default()
        }
    }
}

/// Nanoseconds since 1970, the least there are if the time is not known; none if it is too far away.
fn nanoseconds(time: Option<Timestamp>) -> Option<i64> {
    let Some(time) = time else { return Some(i64::MIN) };
    i64::try_from(time.as_nanosecond()).ok().filter(|known| *known != i64::MIN)
}

fn timestamp(nanoseconds: i64) -> Option<Timestamp> {
    (nanoseconds != i64::MIN).then(|| Timestamp::from_nanosecond(i128::from(nanoseconds)).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_pod_that_runs_is_small() {
        assert_eq!(
            (size_of::<Plain>(), size_of::<PlainContainer>(), size_of::<PlainRecord>()),
            (104, 32, 32)
        );
    }
}
