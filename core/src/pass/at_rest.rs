//! Whether there is nothing to do to a workload, so that the API server need not be asked about its Pods: what is
//! asked for is rolled out and serves, and the committed status says so. Where in doubt, there may be something.

use std::sync::Arc;

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;

use super::overlay::Committed;
use super::subject::Subject;
use super::{Cluster, Locked, Memory};
use crate::names::condition;
use crate::workload::desired::Desired;
use crate::workload::revision::Measuring;
use crate::workload::rollout::{Rollout, rollout};
use crate::workload::target::Target;

/// How the hooks of a workload's Pods are measured where nothing is to be done to it and this process has not asked
/// the API server about its Pods; none where it is to be asked. A runner that this operator could not offer is told.
pub(super) async fn measuring_at_rest<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    desired: &Desired,
    memory: &Locked<Memory>,
) -> Option<Measuring> {
    if !is_at_rest(subject.generation, before, desired, &memory.lock(), cluster.now()) {
        return None;
    }
    if !desired.asked.wants_runner() {
        return Some(Measuring::Observed);
    }
    let offer = cluster.supply().await.offer(&desired.asked.template["spec"]);
    offer.is_ok().then_some(Measuring::Runner)
}

fn is_at_rest(
    generation: i64,
    before: &Committed,
    desired: &Desired,
    memory: &Memory,
    now: Timestamp,
) -> bool {
    // What was asked is known, and asked again when its time has come.
    let is_unasked = !memory.revisions.admissions.contains_key(&desired.asked.name);
    is_unasked
        && is_rolled_out(generation, before, &desired.asked.name)
        && is_complete(before, desired, memory, now)
}

/// Whether the spec of that generation is committed to be rolled out, and nothing is against its revision.
fn is_rolled_out(generation: i64, before: &Committed, asked: &str) -> bool {
    let Committed { status, ledger, .. } = before;
    status.observed_generation == Some(generation)
        && status.current_revision.as_deref() == Some(asked)
        && status.update_revision.as_deref() == Some(asked)
        && ledger.gate.is_none()
        && !ledger.unrunnable.contains_key(asked)
        && is_said_to_be_well(status)
}

/// Whether there are just the Pods that are asked for, all of them serve, and nothing of what this operator has done is
/// yet to be seen. Pods that may become the workload's are waited for.
fn is_complete(before: &Committed, desired: &Desired, memory: &Memory, now: Timestamp) -> bool {
    let (asked, replicas) = (&desired.asked.name, &memory.replicas);
    let Some(sizes) = &before.ledger.sizes else { return false };
    let target = Target::Roll { to: Arc::clone(asked) };
    let alive: usize = replicas.revisions().map(|(_, counts)| counts.alive()).sum();
    rollout(desired, &target, sizes, replicas, now.as_second()) == Rollout::Complete
        && sizes.total() == desired.replicas
        && alive == desired.replicas as usize
        && replicas.doubts().next().is_none()
        && replicas.revision(asked).stuck().next().is_none()
        && !memory.awaits_pods()
        && !memory.may_adopt()
}

/// Whether the conditions say that all is rolled out, that nothing keeps Pods from being what they are to be, and that
/// the runner is in force where it is asked for: what else they would say can be told without asking.
fn is_said_to_be_well(status: &HookedWorkloadStatus) -> bool {
    let said = |type_: &str| status.conditions.iter().find(|known| known.type_ == type_);
    let is = |type_: &str, status: &str| said(type_).is_some_and(|known| known.status == status);
    let measured = said(condition::MEASURED).and_then(|known| Reason::from_name(&known.reason));
    is(condition::READY, "True")
        && is(condition::STALLED, "False")
        && said(condition::REPLICA_FAILURE).is_none()
        && measured
            .is_some_and(|reason| !matches!(reason, Reason::RunnerUnavailable | Reason::RunnerCannotRun))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use serde_json::json;

    use super::*;
    use crate::accounting::ledger::{Gate, GateRule, Ledger, Sizes, Total, Unrunnable};
    use crate::admission::{Admission, Making};
    use crate::lifecycle::{Inability, RunnerSight};
    use crate::workload::replicas::PodFact;

    const GENERATION: i64 = 3;

    /// A workload with two Pods, all that is committed of it, and what is remembered.
    struct Case {
        before: Committed,
        desired: Desired,
        memory: Memory,
    }

    impl Case {
        fn at_rest() -> Self {
            let spec = json!({"selector": {}, "replicas": 2, "template": {"spec": {"containers": []}}});
            let mut desired = Desired::from_spec(&serde_json::from_value(spec).unwrap(), 0).unwrap();
            desired.asked.name = "rev".into();
            let status = HookedWorkloadStatus {
                observed_generation: Some(GENERATION),
                current_revision: Some("rev".to_owned()),
                update_revision: Some("rev".to_owned()),
                conditions: vec![
                    said("Ready", "True", Reason::RolloutComplete),
                    said("Measured", "True", Reason::MeasuredAsAsked),
                    said("Stalled", "False", Reason::NotStalled),
                ],
                ..HookedWorkloadStatus::default()
            };
            let sizes = Sizes::new(vec![("rev".into(), 2)], Total { replicas: 2, most: 3 });
            let ledger = Ledger { sizes: Some(sizes), high_water: 2, ..Ledger::default() };
            let before = Committed { version: "1".to_owned(), status, ledger };
            let mut case = Self { before, desired, memory: Memory::default() };
            case.show(1, "rev", Some(0));
            case.show(2, "rev", Some(0));
            case
        }

        fn show(&mut self, number: u64, revision: &str, ready_since: Option<i64>) {
            let fact = PodFact::unseen(number, "web", &format!("u-{number}"), revision, true);
            self.memory.replicas.observe(PodFact { seen: true, ready_since, ..fact });
        }

        fn say(&mut self, type_: &str, status: &str, reason: Reason) {
            let conditions = &mut self.before.status.conditions;
            conditions.retain(|known| known.type_ != type_);
            conditions.push(said(type_, status, reason));
        }

        fn rests(&self) -> bool {
            let Self { before, desired, memory } = self;
            is_at_rest(GENERATION, before, desired, memory, Timestamp::from_second(100).unwrap())
        }
    }

    fn said(type_: &str, status: &str, reason: Reason) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: String::new(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        }
    }

    fn check(what: &str, change: fn(&mut Case), expect: bool) {
        let mut case = Case::at_rest();
        change(&mut case);
        assert_eq!(case.rests(), expect, "{what}");
    }

    #[test]
    fn a_workload_that_serves_what_is_asked_for_is_at_rest() {
        check("as it is", |_| {}, true);
        check("a condition of others", |case| case.say("Other", "False", Reason::Invalid), true);
        let older = |case: &mut Case| case.say("Measured", "False", Reason::PodsFromBefore);
        check("Pods of before the runner", older, true);
    }

    #[test]
    fn a_workload_to_whose_pods_anything_may_be_done_is_not_at_rest() {
        check("a Pod is gone", |case| case.memory.replicas.observe_gone(2), false);
        check("a Pod does not serve", |case| case.show(2, "rev", None), false);
        check("a Pod too much", |case| case.show(3, "rev", Some(0)), false);
        check("a Pod of another revision", |case| case.show(3, "old", Some(0)), false);
        let deleted = |case: &mut Case| case.memory.replicas.deleted(2);
        check("an own delete", deleted, false);
        let lost = |case: &mut Case| case.memory.replicas.perhaps_deleted(2, Timestamp::MAX);
        check("an own delete in doubt", lost, false);
        let created = |case: &mut Case| {
            case.memory.replicas.created(PodFact::unseen(3, "web", "u-3", "rev", true));
        };
        check("an own create", created, false);
        let stuck = |case: &mut Case| {
            let fact = PodFact::unseen(2, "web", "u-2", "rev", true);
            let runner = RunnerSight::CannotRun(Inability::Forbidden);
            case.memory.replicas.observe(PodFact { seen: true, runner, ..fact });
        };
        check("a Pod whose runner cannot run", stuck, false);
    }

    #[test]
    fn a_workload_of_which_something_else_is_asked_or_said_is_not_at_rest() {
        let older = |case: &mut Case| case.before.status.observed_generation = Some(GENERATION - 1);
        check("a spec that was not looked at", older, false);
        check("another template", |case| case.desired.asked.name = "new".into(), false);
        check("more Pods", |case| case.desired.replicas = 3, false);
        check("a rollout", |case| case.before.status.current_revision = Some("old".to_owned()), false);
        check("a roll back", |case| case.before.status.update_revision = Some("old".to_owned()), false);
        check("no sizes", |case| case.before.ledger.sizes = None, false);
        let other = |case: &mut Case| case.before.ledger.sizes.as_mut().unwrap().set("old", 1);
        check("a size of another revision", other, false);
        let gate = |case: &mut Case| {
            let rule = GateRule { max_failures: 0, action: hooked_crd::GateAction::Pause };
            case.before.ledger.gate = Some(Gate::new("rev".into(), rule));
        };
        check("a gate", gate, false);
        let unrunnable = |case: &mut Case| {
            let shown = Unrunnable { inability: Inability::Forbidden, node: None, last: 2 };
            case.before.ledger.unrunnable.insert("rev".into(), shown);
        };
        check("a runner that cannot run", unrunnable, false);
        check("no conditions", |case| case.before.status.conditions.clear(), false);
        check("not ready", |case| case.say("Ready", "False", Reason::RolloutInProgress), false);
        check("stalled", |case| case.say("Stalled", "True", Reason::InvalidTemplate), false);
        check("a failure", |case| case.say("ReplicaFailure", "True", Reason::FailedDelete), false);
        let words = [Reason::RunnerUnavailable, Reason::RunnerCannotRun];
        for reason in words {
            let mut case = Case::at_rest();
            case.say("Measured", "False", reason);
            assert!(!case.rests(), "{reason}");
        }
    }

    #[test]
    fn a_workload_that_was_asked_about_is_asked_about_as_ever() {
        let asked = |case: &mut Case| {
            let admissions = &mut case.memory.revisions.admissions;
            admissions.insert(Arc::from("rev"), Admission::lasting(Making::AsWritten));
        };
        check("an answer is known", asked, false);
    }
}
