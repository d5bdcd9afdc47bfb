//! Whether a rollout gets anywhere: the time base of `spec.progressDeadlineSeconds`, which is a Deployment's
//! (`kubernetes/pkg/controller/deployment/{progress,sync}.go`).

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::{SignedDuration, Timestamp};

use super::counts::ReplicaCounts;
use crate::names::condition;
use crate::workload::desired::Desired;
use crate::workload::rollout::Rollout;
use crate::workload::target::{Target, Why};

/// What has become of a rollout since the status before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No rollout is under way that has a deadline: it is complete, or was, or is held.
    Unwatched,
    /// It has begun.
    Begun,
    /// It goes on after a pause.
    Resumed,
    /// It has got further.
    Made,
    /// It has not got further since then.
    Awaited(Timestamp),
}

/// What progress is found from.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// What the workload asks for.
    pub desired: &'a Desired,
    /// Which revision is rolled to.
    pub target: &'a Target,
    /// Where the rollout stands.
    pub rollout: Rollout,
    /// The Pods that there are now.
    pub counts: &'a ReplicaCounts,
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// When the rollout had made progress before.
    pub before: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

impl Progress {
    /// What has become of the rollout. A change of the spec that is no rollout, such as another number of Pods, is no
    /// progress by itself.
    pub fn of(course: &Course<'_>) -> Self {
        let Course { desired, target, rollout, counts, previous, before, now } = *course;
        let asked = &*desired.asked.name;
        let has_begun = previous.update_revision.as_deref() == Some(asked);
        let was_complete = has_begun && previous.current_revision.as_deref() == Some(asked);
        if matches!(rollout, Rollout::Complete | Rollout::Leaving) {
            return Self::Unwatched;
        }
        match (target, before) {
            (Target::Roll { to }, _) if **to != *asked => Self::Unwatched,
            (Target::Roll { .. }, _) if !has_begun => Self::Begun,
            (Target::Roll { .. }, Some(_)) if is_further(counts, previous) => Self::Made,
            (Target::Roll { .. }, Some(since)) => Self::Awaited(since),
            (Target::Roll { .. }, None) if was_paused(previous) => Self::Resumed,
            // One that was complete once is not late because a Pod of it restarts, or because it is scaled.
            (Target::Roll { .. }, None) if was_complete => Self::Unwatched,
            (Target::Roll { .. }, None) => Self::Begun,
            // What was late when it was paused is so still.
            (Target::Hold { why: Why::Paused, .. }, Some(since)) if is_overdue(desired, since, now) => {
                Self::Awaited(since)
            }
            // A Deployment's Pods that nobody can create are waited for no longer than others.
            (Target::Hold { why: Why::NotStored(_) | Why::Unchecked(_), .. }, before) => match before {
                Some(since) => Self::Awaited(since),
                None if was_complete => Self::Unwatched,
                None => Self::Begun,
            },
            (Target::Hold { .. }, _) => Self::Unwatched,
        }
    }

    /// Since when the rollout has made no progress; none if no rollout is waited for.
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Unwatched => None,
            Self::Begun | Self::Resumed | Self::Made => Some(now),
            Self::Awaited(since) => Some(since),
        }
    }
}

/// Whether a rollout that has made no progress since then has had all the time that the user grants it.
pub(super) fn is_overdue(desired: &Desired, since: Timestamp, now: Timestamp) -> bool {
    let limit = desired.progress_deadline_seconds.map(SignedDuration::from_secs);
    limit.is_some_and(|limit| now.duration_since(since) >= limit)
}

/// More new Pods, more that serve, or fewer old ones (`DeploymentProgressing`).
fn is_further(counts: &ReplicaCounts, previous: &HookedWorkloadStatus) -> bool {
    let old = |alive: i32, updated: i32| alive - updated;
    counts.updated > previous.updated_replicas
        || counts.ready > previous.ready_replicas
        || counts.available > previous.available_replicas
        || old(counts.alive, counts.updated) < old(previous.replicas, previous.updated_replicas)
}

fn was_paused(previous: &HookedWorkloadStatus) -> bool {
    let mut conditions = previous.conditions.iter();
    conditions.any(|known| {
        known.type_ == condition::PROGRESSING && known.reason == Reason::DeploymentPaused.as_str()
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use serde_json::json;

    use super::*;

    /// A second before which the rollout has made progress, and the second at which it is looked at.
    const BEFORE: i64 = 100;
    const NOW: i64 = 400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Three Pods of the revision `new` are wanted, of which the status before knows two that serve; an old one serves.
    struct Case {
        desired: Desired,
        target: Target,
        rollout: Rollout,
        counts: ReplicaCounts,
        previous: HookedWorkloadStatus,
        before: Option<Timestamp>,
    }

    impl Case {
        fn rolling() -> Self {
            let spec = json!({"selector": {}, "replicas": 3, "template": {"spec": {"containers": []}}});
            let mut desired = Desired::from_spec(&serde_json::from_value(spec).unwrap(), 0).unwrap();
            desired.asked.name = "new".into();
            let counts = ReplicaCounts {
                desired: 3,
                alive: 3,
                updated: 2,
                ready: 3,
                available: 3,
                ..Default::default()
            };
            let previous = HookedWorkloadStatus {
                observed_generation: Some(1),
                replicas: 3,
                updated_replicas: 2,
                ready_replicas: 3,
                available_replicas: 3,
                current_revision: Some("old".to_owned()),
                update_revision: Some("new".to_owned()),
                ..Default::default()
            };
            let target = Target::Roll { to: "new".into() };
            Self { desired, target, rollout: Rollout::Going, counts, previous, before: Some(at(BEFORE)) }
        }

        fn complete_once() -> Self {
            let mut case = Self { before: None, ..Self::rolling() };
            case.previous.current_revision = Some("new".to_owned());
            case
        }

        fn held(self, why: Why) -> Self {
            Self { target: Target::Hold { at: Some("new".into()), why }, ..self }
        }

        fn was(mut self, reason: &str) -> Self {
            self.previous.conditions = vec![Condition {
                type_: "Progressing".to_owned(),
                status: "Unknown".to_owned(),
                reason: reason.to_owned(),
                message: String::new(),
                last_transition_time: Time(at(0)),
                observed_generation: None,
            }];
            self
        }

        fn check(&self, expect: Progress) {
            let Self { desired, target, rollout, counts, previous, before } = self;
            let (rollout, before, now) = (*rollout, *before, at(NOW));
            let is = Progress::of(&Course { desired, target, rollout, counts, previous, before, now });
            assert_eq!(is, expect, "{target:?} {previous:?}");
        }
    }

    const AWAITED: Progress = Progress::Awaited(Timestamp::constant(BEFORE, 0));

    #[test]
    fn only_pods_are_progress() {
        Case::rolling().check(AWAITED);
        let check = |change: fn(&mut ReplicaCounts), expect| {
            let mut case = Case::rolling();
            change(&mut case.counts);
            case.check(expect);
        };
        check(|counts| (counts.alive, counts.updated) = (4, 3), Progress::Made);
        check(|counts| counts.alive = 2, Progress::Made);
        check(|counts| counts.ready = 4, Progress::Made);
        check(|counts| counts.available = 4, Progress::Made);
        check(|counts| counts.available = 2, AWAITED);
        // One old Pod more: the workload was scaled.
        check(|counts| (counts.alive, counts.desired) = (4, 4), AWAITED);
    }

    #[test]
    fn a_change_of_the_spec_that_is_no_rollout_does_not_restart_the_deadline() {
        let mut case = Case::rolling();
        case.previous.observed_generation = Some(0);
        case.desired.replicas = 30;
        case.check(AWAITED);
    }

    #[test]
    fn a_rollout_back_to_the_revision_that_was_complete_has_a_deadline() {
        let mut case = Case::complete_once();
        case.previous.update_revision = Some("broken".to_owned());
        case.before = Some(at(BEFORE));
        case.check(Progress::Begun);
        case.previous.update_revision = Some("new".to_owned());
        case.check(AWAITED);
    }

    #[test]
    fn a_rollout_that_was_complete_once_has_no_deadline() {
        Case::complete_once().check(Progress::Unwatched);
        Case { rollout: Rollout::Complete, ..Case::rolling() }.check(Progress::Unwatched);
    }

    #[test]
    fn a_pause_has_no_deadline_and_its_end_restarts_it() {
        Case::rolling().held(Why::Paused).check(Progress::Unwatched);
        Case::complete_once().held(Why::Paused).check(Progress::Unwatched);
        Case { before: None, ..Case::rolling() }.was("DeploymentPaused").check(Progress::Resumed);
        Case::complete_once().was("DeploymentPaused").check(Progress::Resumed);
    }

    #[test]
    fn what_was_late_when_it_was_paused_stays_late() {
        let mut case = Case::rolling().held(Why::Paused);
        case.desired.progress_deadline_seconds = Some(NOW - BEFORE);
        case.check(AWAITED);
        case.desired.progress_deadline_seconds = None;
        case.check(Progress::Unwatched);
    }

    #[test]
    fn a_rollout_that_nobody_can_begin_has_a_deadline() {
        let webhook = || Why::Unchecked("webhook".to_owned());
        let mut case = Case { before: None, ..Case::rolling() }.held(webhook());
        case.previous.update_revision = Some("old".to_owned());
        case.check(Progress::Begun);
        case.before = Some(at(BEFORE));
        case.check(AWAITED);
        Case::complete_once().held(webhook()).check(Progress::Unwatched);
        Case::rolling().held(Why::Refused("no".to_owned())).check(Progress::Unwatched);
    }

    #[test]
    fn what_is_not_asked_for_has_no_deadline() {
        let mut case = Case::rolling();
        case.target = Target::Roll { to: "old".into() };
        case.check(Progress::Unwatched);
    }
}
