//! What is told of hooks that are not measured as was asked.

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

use super::newly_unmeasured;
use crate::accounting::ledger::Unrunnable;
use crate::lifecycle::{Inability, RunnerSight};
use crate::status::tests::Case;
use crate::status::{LiveService, Series};
use crate::workload::replicas::PodFact;
use crate::workload::revision::Measuring;

/// A workload with two exec hooks in its container `web`, and what is asked of them.
fn case(hooks: &Value, container: &Value) -> Case {
    let exec = json!({"exec": {"command": ["true"]}});
    let mut web = json!({"name": "web", "lifecycle": {"postStart": exec, "preStop": exec}});
    web.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    let mut case = Case::new(&json!({"hooks": hooks, "template": {"spec": {"containers": [web]}}}));
    case.measuring = Measuring::Runner;
    case
}

/// Two Pods of the revision, of which one is such.
fn with_pods(mut case: Case, runner: RunnerSight) -> Case {
    for (number, runner) in [(1, RunnerSight::InPlace), (2, runner)] {
        let revision = case.revision.name.to_string();
        let fact = PodFact::unseen(number, "web", &format!("u-{number}"), &revision, true);
        case.replicas.observe(PodFact { seen: true, runner, ..fact });
    }
    case
}

fn measured(status: &HookedWorkloadStatus) -> &Condition {
    status.conditions.iter().find(|known| known.type_ == "Measured").unwrap()
}

/// What the condition says, with all of these words in its message; metrics say the same, and health nothing of it.
fn check(case: &Case, expect: (&str, Reason), words: &[&str]) {
    let status = case.status();
    let said = measured(&status);
    assert_eq!((&*said.status, &*said.reason), (expect.0, expect.1.as_str()), "{}", said.message);
    for word in words {
        assert!(said.message.contains(word), "{word}: {}", said.message);
    }
    assert_eq!(Series::of(&case.basis(), false).unmeasured, expect.0 == "False");
    let healthy = status.conditions.iter().find(|known| known.type_ == "HooksHealthy").unwrap();
    assert_eq!((&*healthy.status, &*healthy.reason), ("True", "NoHookIsFailing"));
}

#[test]
fn where_all_is_as_asked_measured_is_true() {
    let as_asked = ("True", Reason::MeasuredAsAsked);
    let policies = json!({"policies": [{"container": "web", "timeoutSeconds": 2}]});
    check(
        &with_pods(case(&policies, &json!({})), RunnerSight::InPlace),
        as_asked,
        &["under the hook-runner"],
    );
    let mut observed = case(&json!({"measurement": "Observe"}), &json!({}));
    observed.measuring = Measuring::Observed;
    check(
        &with_pods(observed, RunnerSight::Absent),
        as_asked,
        &["are observed, as spec.hooks.measurement asks"],
    );
    let mut none = case(&json!({}), &json!({"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}));
    none.measuring = Measuring::Observed;
    check(&with_pods(none, RunnerSight::NotNeeded), as_asked, &["there is no exec hook"]);
}

#[test]
fn a_workload_that_is_observed_though_it_asked_for_the_runner_is_told_with_its_policies_and_pods() {
    let policies = json!({"policies": [{"hook": "PreStop", "timeoutSeconds": 2}, {"retries": 1}]});
    let mut case = with_pods(case(&policies, &json!({})), RunnerSight::Absent);
    case.measuring = Measuring::Unavailable("the policy forbids it".to_owned());
    let words = ["1 of 2 Pods", "the policy forbids it", "spec.hooks.policies[0], spec.hooks.policies[1]"];
    check(&case, ("False", Reason::RunnerUnavailable), &words);
}

#[test]
fn a_runner_that_cannot_run_is_told_with_the_node_and_what_helps() {
    let policies = json!({"policies": [{"hook": "PreStop", "timeoutSeconds": 2}]});
    let mut case = with_pods(case(&policies, &json!({})), RunnerSight::Absent);
    case.measuring = Measuring::CannotRun(Unrunnable {
        inability: Inability::Forbidden,
        node: Some("n1".into()),
        last: 0,
    });
    let words = ["1 of 2 Pods", "on node n1", "permission denied", "noexec", "spec.hooks.policies[0]"];
    check(&case, ("False", Reason::RunnerCannotRun), &words);
}

#[test]
fn pods_that_were_taken_over_without_the_runner_are_told() {
    let policies = json!({"policies": [{"timeoutSeconds": 2}]});
    let words = ["1 of 2 Pods", "taken over", "not in force: spec.hooks.policies[0]"];
    let case = with_pods(case(&policies, &json!({})), RunnerSight::Absent);
    check(&case, ("False", Reason::PodsFromBefore), &words);
}

#[test]
fn a_log_that_is_not_the_runners_is_told_with_what_is_known_all_the_same() {
    let log = json!({"terminationMessagePolicy": "FallbackToLogsOnError"});
    let mut case = case(&json!({}), &log);
    check(&case, ("False", Reason::NoTerminationLog), &["container web,", "observed in effect"]);
    case.live = Some(LiveService { since: Timestamp::UNIX_EPOCH, address: "10.0.0.9:8443".to_owned() });
    check(&case, ("False", Reason::NoTerminationLog), &["over the live channel alone"]);
}

#[test]
fn reports_that_do_not_come_are_told_until_one_comes_also_of_a_pre_stop_alone() {
    let exec = json!({"exec": {"command": ["true"]}});
    for hook in ["postStart", "preStop"] {
        let mut case = case(&json!({}), &json!({"lifecycle": {hook: exec}}));
        case.live = Some(LiveService { since: Timestamp::UNIX_EPOCH, address: "10.0.0.9:8443".to_owned() });
        check(&case, ("True", Reason::MeasuredAsAsked), &[]);
        // The operator had just begun to listen.
        case.tracker.missed_report(4);
        check(&case, ("True", Reason::MeasuredAsAsked), &[]);
        case.tracker.missed_report(5);
        check(&case, ("False", Reason::LiveReportsMissing), &["10.0.0.9:8443", "NetworkPolicy"]);
        // The next process says what this one has found out.
        case.previous = case.status();
        case.tracker = crate::accounting::Tracker::default();
        check(&case, ("False", Reason::LiveReportsMissing), &[]);
    }
}

/// Case 12 of the inputs from real life.
#[test]
fn policies_for_nobody_are_both_named() {
    let policies = json!({"policies": [
        {"container": "wbe", "hook": "PreStop", "timeoutSeconds": 2},
        {"container": "web", "hook": "PostStart", "timeoutSeconds": 2},
    ]});
    let hooks = json!({"postStart": {"httpGet": {"port": 80}}, "preStop": {"exec": {"command": ["true"]}}});
    let words = [
        "spec.hooks.policies[0]: the template has no container wbe",
        "spec.hooks.policies[1]: the postStart",
    ];
    check(&case(&policies, &json!({"lifecycle": hooks})), ("False", Reason::PolicyMatchesNothing), &words);
    let mut observed = case(&json!({"measurement": "Observe", "policies": [{"retries": 1}]}), &json!({}));
    observed.measuring = Measuring::Observed;
    check(&observed, ("False", Reason::PolicyMatchesNothing), &["hooks are observed"]);
}

#[test]
fn the_worst_is_the_reason_and_the_message_has_all() {
    let log = json!({"terminationMessagePolicy": "FallbackToLogsOnError"});
    let policies = json!({"policies": [{"container": "wbe", "retries": 1}]});
    let case = with_pods(case(&policies, &log), RunnerSight::Absent);
    let words = ["taken over", "FallbackToLogsOnError", "no container wbe"];
    check(&case, ("False", Reason::PodsFromBefore), &words);
}

#[test]
fn a_policy_that_the_grace_period_cuts_off_is_told_though_all_is_measured() {
    let policies = json!({"policies": [{"hook": "PreStop", "timeoutSeconds": 20, "retries": 1}]});
    let words = ["may take 41 s", "grace period is 30 s"];
    check(&case(&policies, &json!({})), ("True", Reason::PolicyExceedsGracePeriod), &words);
}

#[test]
fn that_something_is_not_in_force_is_told_once_for_each_reason() {
    let said = |case: &Case| case.status().conditions;
    let well = said(&case(&json!({}), &json!({})));
    let mut unavailable = case(&json!({}), &json!({}));
    unavailable.measuring = Measuring::Unavailable("no".to_owned());
    let unavailable = said(&unavailable);
    let no_log = said(&case(&json!({}), &json!({"terminationMessagePolicy": "FallbackToLogsOnError"})));
    let told = |before: &[Condition], after: &[Condition]| {
        newly_unmeasured(before, after).map(|condition| condition.reason.clone())
    };
    assert_eq!(told(&[], &well), None);
    assert_eq!(told(&well, &unavailable).as_deref(), Some("RunnerUnavailable"));
    assert_eq!(told(&unavailable, &unavailable), None);
    assert_eq!(told(&unavailable, &no_log).as_deref(), Some("NoTerminationLog"));
    assert_eq!(told(&no_log, &well), None);
}
