//! Evidence as it is kept from one sight of a Pod to the next.
//!
//! There may be 100,000 Pods, and of nearly all of them nothing is known but that they run, or that they are to be
//! started. Of such a Pod just that is kept, and its evidence is made of it when somebody asks: not a bit of it is
//! lost. The evidence of any other Pod is kept as it is.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::container_id::ContainerId;
use super::numbered::Numbered;
use super::{ContainerEvidence, EventEvidence, InstanceEvidence, PodEvidence};
use crate::interned::{Interned, Text};
use crate::lifecycle::pod_name::PodName;
use crate::lifecycle::shape::PodShape;
use crate::lifecycle::uid::PodUid;

/// The evidence of a Pod as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// Nothing out of the ordinary is known.
    Plain(Box<Plain>),
    /// All other evidence.
    Whole(Box<PodEvidence>),
}

/// What Pods of a workload have in common.
#[derive(Debug, Default)]
pub(crate) struct Common {
    shapes: Interned<PodShape>,
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

impl Kept {
    /// Evidence to be kept.
    pub(crate) fn of(evidence: PodEvidence, common: &mut Common) -> Self {
        if let Some(plain) = Plain::of(&evidence, common) {
            return Self::Plain(Box::new(plain));
        }
        let shape = common.shapes.share(evidence.shape);
        Self::Whole(Box::new(PodEvidence { shape, ..evidence }))
    }

    /// The evidence.
    pub(crate) fn evidence(&self) -> Cow<'_, PodEvidence> {
        match self {
            Self::Plain(plain) => Cow::Owned(plain.evidence()),
            Self::Whole(evidence) => Cow::Borrowed(evidence),
        }
    }

    /// Whether all instances have their numbers.
    pub(crate) fn is_numbered(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.containers.iter().all(|container| container.is_numbered),
            Self::Whole(evidence) => evidence.containers.values().all(|known| known.numbered.is_some()),
        }
    }

    /// See [`PodEvidence::youngest_start`].
    pub(crate) fn youngest_start(&self) -> Option<i64> {
        match self {
            Self::Plain(plain) => plain.containers.iter().filter_map(|known| known.started_at.get()).max(),
            Self::Whole(evidence) => evidence.youngest_start(),
        }
    }
}

impl Plain {
    /// None if there is more to it.
    fn of(evidence: &PodEvidence, common: &mut Common) -> Option<Self> {
        let PodEvidence { pod, uid, revision, created, node, shape, containers, changed, .. } = evidence;
        let PodEvidence { stop: None, evicted_at: None, node_lost: false, closed: None, .. } = evidence
        else {
            return None;
        };
        let plain = |(name, known)| {
            let place = shape.containers.keys().position(|other| other == name)?;
            PlainContainer::of(u8::try_from(place).ok()?, known)
        };
        Some(Self {
            created: Second::of(*created)?,
            containers: containers.iter().map(plain).collect::<Option<_>>()?,
            pod: PodName::from(&**pod).shared(&mut common.texts),
            uid: PodUid::from(&**uid),
            revision: common.texts.share(Text::of(revision)),
            node: node.as_deref().map(|node| common.texts.share(Text::of(node))),
            shape: common.shapes.share(Arc::clone(shape)),
            changed: *changed,
        })
    }

    fn evidence(&self) -> PodEvidence {
        let names: Vec<&Arc<str>> = self.shape.containers.keys().collect();
        let containers = self.containers.iter().filter_map(|known| {
            let name = names.get(usize::from(known.place))?;
            Some((Arc::clone(name), known.evidence()))
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
}

impl PlainContainer {
    fn of(place: u8, known: &ContainerEvidence) -> Option<Self> {
        let ContainerEvidence { instances, events, live, numbered } = known;
        if *events != EventEvidence::default() || !live.is_empty() || instances.len() > 1 {
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
    use crate::lifecycle::PodMarks;
    use crate::lifecycle::evidence::Restart;
    use crate::lifecycle::shape::ContainerShape;

    /// A Pod with a container that runs and one that is to be started.
    fn running() -> PodEvidence {
        let instance = InstanceEvidence {
            container: ContainerId::of("c-1"),
            started_at: Some(1_800_000_000),
            running_seen: "2027-01-15T08:00:01.123456789Z".parse().ok(),
            ready_at: Some(1_800_000_002),
            ..InstanceEvidence::default()
        };
        let web = ContainerEvidence { instances: [(3, instance)].into(), ..ContainerEvidence::default() };
        let names: [Arc<str>; 2] = ["logs".into(), "web".into()];
        let shapes = names.clone().map(|name| (name, ContainerShape::default()));
        let [logs, of_web] = names;
        PodEvidence {
            pod: "web-rev-x7k2pq".into(),
            uid: "1b4e28ba-2fa1-41d2-883f-0016d3cca427".into(),
            revision: "rev".into(),
            created: Some(1_799_999_999),
            node: Some("node-1".into()),
            shape: Arc::new(PodShape { grace: 30, containers: shapes.into() }),
            changed: true,
            containers: [(logs, ContainerEvidence::default()), (of_web, web)].into(),
            ..PodEvidence::default()
        }
    }

    /// Whether little is kept of the Pod once that is changed; nothing is lost either way.
    fn check(change: impl FnOnce(&mut PodEvidence), is_plain: bool) {
        let mut evidence = running();
        change(&mut evidence);
        let kept = Kept::of(evidence.clone(), &mut Common::default());
        assert_eq!(*kept.evidence(), evidence);
        assert_eq!(kept.youngest_start(), evidence.youngest_start());
        assert_eq!(matches!(kept, Kept::Plain(_)), is_plain);
    }

    fn check_instance(change: impl FnOnce(&mut InstanceEvidence), is_plain: bool) {
        let of_web = |evidence: &mut PodEvidence| {
            let web = evidence.containers.get_mut("web").unwrap();
            change(web.instances.get_mut(&3).unwrap());
        };
        check(of_web, is_plain);
    }

    #[test]
    fn of_a_pod_that_runs_or_is_to_be_started_little_is_kept_and_nothing_lost() {
        check(|_| {}, true);
        check(|evidence| *evidence = PodEvidence::default(), true);
        check(|evidence| evidence.number(&PodMarks::default(), Some(1_799_999_999)), true);
        check(|evidence| evidence.number(&PodMarks::default(), Some(1_900_000_000)), true);
        check(|evidence| evidence.containers.retain(|_, _| false), true);
        check_instance(|instance| *instance = InstanceEvidence::default(), true);
    }

    #[test]
    fn of_any_other_pod_all_is_kept() {
        check(|evidence| evidence.evicted_at = Some(1), false);
        check(|evidence| evidence.node_lost = true, false);
        check(|evidence| evidence.created = Some(i64::from(u32::MAX)), false);
        check(|evidence| evidence.created = Some(-1), false);
        check(|evidence| evidence.shape = Arc::default(), false);
        let started = |evidence: &mut PodEvidence| {
            evidence.containers.get_mut("web").unwrap().events.started.insert(1);
        };
        check(started, false);
        let marked = |evidence: &mut PodEvidence| {
            let mut marks = PodMarks::default();
            marks.advance(&"logs".into(), crate::lifecycle::Slot::PostStart, 1);
            evidence.number(&marks, None);
        };
        check(marked, false);
        check_instance(|instance| instance.restarts = Some(Restart::Alone), false);
        check_instance(|instance| instance.ended_undeleted = true, false);
        check_instance(|instance| instance.end_seen = Some(Timestamp::UNIX_EPOCH), false);
        check_instance(|instance| instance.running_seen = Some(Timestamp::MAX), false);
    }

    #[test]
    fn what_is_kept_of_a_pod_that_runs_is_small() {
        assert_eq!((size_of::<Plain>(), size_of::<PlainContainer>()), (88, 32));
    }
}
