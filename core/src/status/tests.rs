//! What a status says, from the whole of it.

use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, Outcome, Source};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

use super::shortened::WORDS;
use super::*;
use crate::accounting::Tracker;
use crate::accounting::ledger::{Counted, LastRun, Ledger, Mark, PodMarks, RunKey, Sizes, Total, Youngest};
use crate::workload::desired::Desired;
use crate::workload::replicas::{PodFact, Replicas};
use crate::workload::revision::{Measuring, Revision, Stored};
use crate::workload::target::Why;

/// A workload that was at the revision `old`, and what its status is made from.
pub(super) struct Case {
    pub(super) desired: Desired,
    pub(super) revision: Revision,
    pub(super) target: Target,
    rollout: Rollout,
    pub(super) replicas: Replicas,
    ledger: Ledger,
    pub(super) measuring: Measuring,
    pub(super) tracker: Tracker,
    pub(super) live: Option<LiveService>,
    pub(super) failure: Option<ReplicaFailure>,
    pub(super) overlapping: Vec<&'static str>,
    counted: Counted,
    progress: Progress,
    stored: Vec<Stored>,
    pub(super) previous: HookedWorkloadStatus,
}

impl Case {
    /// What is asked for is being rolled out.
    pub(super) fn new(spec: &Value) -> Self {
        let mut full = json!({"selector": {}, "template": {"spec": {"containers": [{"name": "web"}]}}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let desired = Desired::from_spec(&serde_json::from_value(full).unwrap(), 0).unwrap();
        Self {
            revision: desired.asked.clone(),
            target: Target::Roll { to: Arc::clone(&desired.asked.name) },
            rollout: Rollout::Going,
            replicas: Replicas::default(),
            ledger: Ledger::default(),
            measuring: Measuring::Observed,
            tracker: Tracker::default(),
            live: None,
            failure: None,
            overlapping: Vec::new(),
            counted: Counted::default(),
            progress: Progress::Made,
            stored: Vec::new(),
            previous: previous(),
            desired,
        }
    }

    /// The workload is held, at `old`, at the revision that is asked for, or at none.
    fn held(mut self, at: Option<&str>, why: Why) -> Self {
        if at == Some("old") {
            let data = json!({"template": {"spec": {"containers": []}}});
            self.revision = Revision::of_data("old", &data).unwrap();
        }
        self.target = Target::Hold { at: at.map(Arc::from), why };
        self
    }

    fn at(self, rollout: Rollout) -> Self {
        Self { rollout, ..self }
    }

    pub(super) fn status(&self) -> HookedWorkloadStatus {
        status(&self.basis()).unwrap()
    }

    pub(super) fn basis(&self) -> Basis<'_> {
        Basis {
            previous: &self.previous,
            generation: 1,
            collision_count: None,
            desired: &self.desired,
            target: &self.target,
            revision: &self.revision,
            measuring: &self.measuring,
            replicas: &self.replicas,
            tracker: &self.tracker,
            ledger: &self.ledger,
            counted: &self.counted,
            rollout: self.rollout,
            progress: self.progress,
            stored: &self.stored,
            failure: self.failure.as_ref(),
            overlapping: &self.overlapping,
            live: self.live.as_ref(),
            now: Timestamp::UNIX_EPOCH,
        }
    }
}

fn previous() -> HookedWorkloadStatus {
    let old = || Some("old".to_owned());
    HookedWorkloadStatus { current_revision: old(), update_revision: old(), ..Default::default() }
}

/// Pods cannot be created, for this reason.
pub(super) fn failure(words: &str) -> ReplicaFailure {
    ReplicaFailure { reason: Reason::FailedCreate, words: words.to_owned() }
}

fn check_revisions(case: &Case, current: &str, update: &str) {
    let status = case.status();
    assert_eq!(
        (status.current_revision.as_deref(), status.update_revision.as_deref()),
        (Some(current), Some(update)),
        "{:?}",
        case.target
    );
}

#[test]
fn a_revision_is_told_as_rolled_out_only_if_it_is_rolled_out() {
    let refused = || Why::Refused("no".to_owned());
    let new = || Case::new(&json!({}));
    let revision = &*new().desired.asked.name;
    check_revisions(&new().at(Rollout::Complete), revision, revision);
    check_revisions(&new(), "old", revision);
    check_revisions(&new().held(None, refused()).at(Rollout::Held), "old", "old");
    check_revisions(&new().held(Some("old"), refused()).at(Rollout::Held), "old", "old");
}

fn condition(status: &HookedWorkloadStatus, type_: &str) -> Condition {
    status.conditions.iter().find(|known| known.type_ == type_).unwrap().clone()
}

/// The preStop hook of the container `web` has failed, and the template is now one of these `containers`.
fn check_healthy(containers: &Value, status: &str, reason: &str) {
    let mut case = Case::new(&json!({"template": {"spec": {"containers": containers}}}));
    let (container, hook, outcome) = ("web".into(), HookKind::PreStop, Outcome::Failed);
    let last = LastRun { outcome, pod: "web-1".into(), exit_code: Some(3) };
    case.ledger.last.insert((Arc::clone(&container), hook), last);
    let key = RunKey { container, hook, handler: HandlerKind::Exec, outcome, source: Source::Runner };
    case.ledger.runs.insert(key, 1);
    let told = case.at(Rollout::Complete).status();
    let healthy = condition(&told, names::condition::HOOKS_HEALTHY);
    assert_eq!((&*healthy.status, &*healthy.reason), (status, reason), "{containers}");
    assert_eq!(told.hook_totals.failed, 1, "what is counted stays counted");
    assert!(told.hooks.iter().any(|hook| hook.failed == 1), "{:?}", told.hooks);
}

#[test]
fn a_failed_hook_is_no_matter_of_health_once_the_template_lacks_it() {
    let hook = json!({"exec": {"command": ["false"]}});
    check_healthy(&json!([{"name": "web", "lifecycle": {"preStop": hook}}]), "False", "HookFailed");
    check_healthy(&json!([{"name": "web"}]), "True", "NoHookIsFailing");
    check_healthy(&json!([{"name": "web", "lifecycle": {"postStart": hook}}]), "True", "NoHookIsFailing");
    check_healthy(&json!([{"name": "app", "lifecycle": {"preStop": hook}}]), "True", "NoHookIsFailing");
}

/// What `HooksHealthy` says when the last run of a hook of each of these containers ended so; the template has `web`,
/// and the present Pods have `web` and `proxy`.
fn check_last(last: &[(&str, Outcome)], reason: &str, message: &str) {
    let hook = json!({"exec": {"command": ["true"]}});
    let containers = json!([{"name": "web", "lifecycle": {"preStop": hook}}]);
    let mut case = Case::new(&json!({"template": {"spec": {"containers": containers}}}));
    for (container, outcome) in last {
        let run = LastRun { outcome: *outcome, pod: "web-1".into(), exit_code: None };
        case.ledger.last.insert((Arc::from(*container), HookKind::PreStop), run);
    }
    let mark = Mark { end: 1, ..Mark::default() };
    case.ledger.marks.set(
        1,
        PodMarks([("web".into(), mark), ("proxy".into(), mark)].into()),
        Youngest::default(),
    );
    let healthy = condition(&case.at(Rollout::Complete).status(), names::condition::HOOKS_HEALTHY);
    assert_eq!(&*healthy.reason, reason, "{last:?}");
    assert!(healthy.message.contains(message), "{last:?}: {}", healthy.message);
}

#[test]
fn health_is_not_said_of_a_hook_of_which_nobody_knows_how_it_ended() {
    check_last(&[("web", Outcome::Succeeded)], "NoHookIsFailing", "none of 1 hooks is failing");
    let how = "how the last PreStop of container web ended is not known (Pod web-1)";
    check_last(&[("web", Outcome::Unknown)], "HookOutcomeUnknown", how);
    check_last(&[("web", Outcome::Unknown), ("proxy", Outcome::Failed)], "HookFailed", "container proxy");
}

#[test]
fn hooks_of_a_container_that_a_webhook_has_added_are_a_matter_of_health() {
    check_last(&[("proxy", Outcome::TimedOut)], "HookFailed", "PreStop of container proxy in Pod web-1");
    check_last(&[("proxy", Outcome::Unknown)], "HookOutcomeUnknown", "container proxy");
    check_last(&[("gone", Outcome::Failed)], "NoHookIsFailing", "none of");
}

/// Two Pods of the revision at which a workload is paused, which is `old` or the one that is asked for.
fn check_paused(mut case: Case, ready: (&str, &str), updated: i32) {
    for number in [1, 2] {
        let uid = format!("u-{number}");
        let mut fact = PodFact::unseen(number, "web", &uid, &case.revision.name, true);
        (fact.seen, fact.ready_since) = (true, Some(0));
        case.replicas.observe(fact);
    }
    let told = case.status();
    let said = |type_| condition(&told, type_);
    let (is_ready, progressing) = (said(names::condition::READY), said(names::condition::PROGRESSING));
    assert_eq!((&*is_ready.status, &*is_ready.reason), ready, "{is_ready:?}");
    assert_eq!(
        (&*progressing.status, &*progressing.reason),
        ("Unknown", "DeploymentPaused"),
        "{progressing:?}"
    );
    assert_eq!((told.replicas, told.updated_replicas), (2, updated));
}

#[test]
fn a_paused_workload_is_ready_only_if_its_template_is_rolled_out() {
    let paused = || Case::new(&json!({"replicas": 2, "paused": true}));
    let old = || paused().held(Some("old"), Why::Paused);
    check_paused(old().at(Rollout::Held), ("False", "PausedWithChange"), 0);
    check_paused(old().at(Rollout::Going), ("False", "PausedWithChange"), 0);
    let revision = paused().desired.asked.name;
    let new = || paused().held(Some(&revision), Why::Paused);
    check_paused(new().at(Rollout::Complete), ("True", "RolloutComplete"), 2);
    check_paused(new().at(Rollout::Held), ("False", "Paused"), 2);
}

/// A status of which every condition is as long as the API server can make it.
fn check_short(conditions: &[Condition]) {
    for Condition { type_, message, .. } in conditions {
        assert!(message.len() < 1100, "{type_} has {} bytes", message.len());
    }
}

#[test]
fn a_refusal_of_any_length_leaves_every_condition_short() {
    let words = |letter: &str| letter.repeat(40_000);
    let case = || Case::new(&json!({}));
    check_short(&case().held(None, Why::Refused(words("a"))).at(Rollout::Held).status().conditions);
    check_short(&case().held(None, Why::NotStored(words("€"))).at(Rollout::Held).status().conditions);
    let failure = Some(failure(&words("a")));
    check_short(&Case { failure, ..case() }.status().conditions);
    check_short(&Case { measuring: Measuring::Unavailable(words("ü")), ..case() }.status().conditions);
    check_short(&invalid(&[], 1, &words("a"), None, Timestamp::UNIX_EPOCH));
    // What a process says of the one before it is what that has said.
    assert_eq!(shortened(&shortened(&words("€"), WORDS), WORDS), shortened(&words("€"), WORDS));
}

/// The condition of that type, as status and reason; none if there is none.
fn said(status: &HookedWorkloadStatus, type_: &str) -> Option<(String, String)> {
    let known = status.conditions.iter().find(|known| known.type_ == type_)?;
    Some((known.status.clone(), known.reason.clone()))
}

/// What is said of progress after it was said before so.
fn check_progress(progress: Progress, before: &str, expect: (&str, &str)) {
    let mut case = Case { progress, ..Case::new(&json!({})) };
    case.previous.conditions = case.status().conditions;
    for known in case.previous.conditions.iter_mut().filter(|known| known.type_ == "Progressing") {
        before.clone_into(&mut known.reason);
    }
    let is = said(&case.status(), "Progressing").unwrap();
    assert_eq!((&*is.0, &*is.1), expect, "{progress:?} after {before}");
}

#[test]
fn progress_is_called_as_a_deployment_calls_it() {
    let awaited = Progress::Awaited(Timestamp::UNIX_EPOCH);
    check_progress(Progress::Begun, "NewReplicaSetAvailable", ("True", "NewReplicaSetCreated"));
    check_progress(awaited, "NewReplicaSetCreated", ("True", "NewReplicaSetCreated"));
    check_progress(Progress::Made, "NewReplicaSetCreated", ("True", "ReplicaSetUpdated"));
    check_progress(awaited, "ReplicaSetUpdated", ("True", "ReplicaSetUpdated"));
    check_progress(Progress::Resumed, "DeploymentPaused", ("Unknown", "DeploymentResumed"));
    check_progress(awaited, "DeploymentResumed", ("Unknown", "DeploymentResumed"));
    check_progress(Progress::Unwatched, "ReplicaSetUpdated", ("True", "NewReplicaSetAvailable"));
    let long_ago = Progress::Awaited(Timestamp::from_second(-600).unwrap());
    check_progress(long_ago, "ReplicaSetUpdated", ("False", "ProgressDeadlineExceeded"));
    let a_little_later = Progress::Awaited(Timestamp::from_second(-599).unwrap());
    check_progress(a_little_later, "ReplicaSetUpdated", ("True", "ReplicaSetUpdated"));
}

#[test]
fn a_failure_is_a_condition_of_its_own_and_rollouts_are_told_as_ever() {
    let case = Case { failure: Some(failure("quota")), ..Case::new(&json!({})) };
    let told = case.status();
    let failing = condition(&told, "ReplicaFailure");
    assert_eq!((&*failing.status, &*failing.reason, &*failing.message), ("True", "FailedCreate", "quota"));
    let progressing = condition(&told, "Progressing");
    assert_eq!((&*progressing.status, &*progressing.reason), ("True", "ReplicaSetUpdated"));
    let mut mended = Case::new(&json!({}));
    mended.previous.conditions = told.conditions;
    assert_eq!(said(&mended.status(), "ReplicaFailure"), None);
    let stuck = Case::new(&json!({})).held(None, Why::NotStored("quota".to_owned())).status();
    assert_eq!(condition(&stuck, "Progressing").reason, "ReplicaSetCreateError");
}

#[test]
fn conditions_of_others_stay_as_they_are() {
    let mut case = Case::new(&json!({}));
    let other = Condition {
        type_: "example.com/Checked".to_owned(),
        status: "Unknown".to_owned(),
        reason: "InTheirOwnWords".to_owned(),
        message: "somebody else's".to_owned(),
        last_transition_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
        observed_generation: Some(7),
    };
    case.previous.conditions = vec![other.clone()];
    for _ in 0..2 {
        let conditions = case.status().conditions;
        let kept: Vec<&Condition> = conditions.iter().filter(|known| **known == other).collect();
        assert_eq!(kept.len(), 1, "{conditions:?}");
        case.previous.conditions = conditions;
    }
    let conditions = invalid(&case.previous.conditions, 1, "why", None, Timestamp::UNIX_EPOCH);
    assert!(conditions.contains(&other), "{conditions:?}");
}

/// A row of `status.revisions`: revision, number, desired, replicas, ready, available.
type Row<'a> = (&'a str, Option<i64>, i32, i32, i32, i32);

#[test]
fn each_revision_that_has_or_wants_pods_is_told_newest_first() {
    let mut case = Case::new(&json!({"minReadySeconds": 5}));
    // Pods by their revision, and the second since which each is ready.
    let pods = [("a", Some(0)), ("a", None), ("b", Some(-5)), ("c", None)];
    for (number, (revision, ready_since)) in (1..).zip(pods) {
        let fact = PodFact::unseen(number, "web", &format!("u-{number}"), revision, true);
        case.replicas.observe(PodFact { seen: true, ready_since, ..fact });
    }
    case.replicas.created(PodFact::unseen(9, "web-9", "u-9", "b", true));
    let of = [("a", 2), ("b", 3), ("gone", 0)].map(|(revision, size)| (revision.into(), size));
    case.ledger.sizes = Some(Sizes::new(of.into(), Total::default()));
    let check = |case: &Case, expect: &[Row<'_>]| {
        let told = case.status().revisions;
        let row = |row: &hooked_crd::RevisionStatus| {
            (row.revision.clone(), row.number, row.desired, row.replicas, row.ready, row.available)
        };
        let expect = expect.iter().map(|(name, n, d, r, e, a)| ((*name).to_owned(), *n, *d, *r, *e, *a));
        assert_eq!(told.iter().map(row).collect::<Vec<_>>(), expect.collect::<Vec<_>>());
    };
    check(&case, &[("b", None, 3, 1, 1, 1), ("a", None, 2, 2, 1, 0), ("c", None, 0, 1, 0, 0)]);
    let stored = |revision: &str, number| Stored {
        revision: revision.to_owned(),
        number,
        data: 0,
        essence: 0,
        change_cause: None,
    };
    case.stored = vec![stored("a", 9), stored("b", 4), stored("c", 2)];
    let expect = [("a", Some(9), 2, 2, 1, 0), ("b", Some(4), 3, 1, 1, 1), ("c", Some(2), 0, 1, 0, 0)];
    check(&case, &expect);
    // The next process has not looked the numbers up yet.
    case.previous.revisions = case.status().revisions;
    case.stored.clear();
    check(&case, &expect);
}
