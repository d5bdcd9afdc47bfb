//! Evidence as it is kept from one sight of a Pod to the next.
//!
//! There may be 100,000 Pods, and of nearly all of them nothing is known but that they run, or that they are to be
//! started, and that their postStart hooks have succeeded. Of such a Pod just that is kept, and its evidence is made of
//! it when somebody asks: not a bit of it is lost. The evidence of any other Pod is kept as it is.

use std::borrow::Cow;

use super::PodEvidence;
use super::plain::{Common, Plain};

/// The evidence of a Pod as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kept {
    /// Nothing out of the ordinary is known.
    Plain(Box<Plain>),
    /// All other evidence.
    Whole(Box<PodEvidence>),
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
            Self::Plain(plain) => plain.is_numbered(),
            Self::Whole(evidence) => evidence.containers.values().all(|known| known.numbered.is_some()),
        }
    }

    /// See [`PodEvidence::youngest_start`].
    pub(crate) fn youngest_start(&self) -> Option<i64> {
        match self {
            Self::Plain(plain) => plain.youngest_start(),
            Self::Whole(evidence) => evidence.youngest_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hooked_protocol::{Ending, Exit, Hook, Outcome, Record, RunId};
    use jiff::Timestamp;

    use super::*;
    use crate::lifecycle::PodMarks;
    use crate::lifecycle::evidence::container_id::ContainerId;
    use crate::lifecycle::evidence::{ContainerEvidence, InstanceEvidence, Restart};
    use crate::lifecycle::shape::{ContainerShape, PodShape};

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

    /// What the runner tells of a postStart run that has succeeded.
    fn record() -> Record {
        let ending = Ending {
            outcome: Outcome::Succeeded,
            exit: Some(Exit::Code(0)),
            duration: 1_000,
            attempts: 1,
            message: String::new(),
            output: String::new(),
        };
        Record {
            run: RunId([2; 16]),
            container: "web".to_owned(),
            hook: Hook::PostStart,
            start: 1_800_000_003_000_000,
            numbering: None,
            ending: Some(ending),
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

    /// The same where a runner has told of two runs, of which the latest is changed so.
    fn check_live(change: impl FnOnce(&mut Record), is_plain: bool) {
        let mut record = record();
        let first = Record { run: RunId([1; 16]), start: record.start - 1, ..record.clone() };
        change(&mut record);
        let live = |evidence: &mut PodEvidence| {
            let web = evidence.containers.get_mut("web").unwrap();
            web.live.insert(first);
            web.live.insert(record);
        };
        check(live, is_plain);
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
    fn so_it_is_when_its_post_start_hooks_have_succeeded() {
        check_live(|_| {}, true);
        check_live(|record| record.start = 1, true);
        check_live(|record| record.ending = None, false);
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
}
