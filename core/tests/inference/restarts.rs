//! What restarts of nodes and kubelets leave behind: ends made up, stops and failures that are forgotten.

use hooked_crd::{KillReason, Outcome};
use serde_json::{Value, json};

use crate::fixtures::{Conclusion, Story, at, ended, exec, running, waiting};
use crate::records::{line, line_at, recorded, with_log};

/// A container whose node was restarted: found dead in that second, and started again, as the container `b`, in the
/// second `started`, if it was.
fn found_dead(found: i64, started: Option<i64>) -> Value {
    let dead = json!({"terminated": {
        "startedAt": at(1), "finishedAt": at(found), "exitCode": 255, "reason": "Unknown", "containerID": "containerd://a",
    }});
    let now = |started| json!({"running": {"startedAt": at(started)}});
    let (restarts, state, last) =
        started.map_or_else(|| (0, dead.clone(), json!({})), |started| (1, now(started), dead.clone()));
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "restartCount": restarts, "state": state, "lastState": last},
    ]})
}

#[test]
fn what_is_told_after_a_container_was_found_dead_is_of_the_next_one() {
    let check = |reported: i64, started: Option<i64>, expect: Outcome| {
        let story = Story::with_hooks(&exec("preStop"))
            .status(2, &running(0, 1))
            .event(reported, "FailedPreStopHook", "PreStopHook failed")
            .status(11, &found_dead(10, started));
        assert_eq!(story.conclude(30).pre_stop, [expect], "told in {reported}, started in {started:?}");
    };
    check(9, Some(12), Outcome::Failed);
    check(10, Some(10), Outcome::Failed);
    check(11, Some(12), Outcome::Unknown);
    check(12, Some(12), Outcome::Unknown);
    check(9, None, Outcome::Failed);
    check(12, None, Outcome::Unknown);
}

#[test]
fn a_post_start_that_fails_after_a_container_was_found_dead_is_of_the_next_one() {
    let check = |reported: i64, expect: Outcome| {
        let story = Story::with_hooks(&exec("postStart"))
            .event(reported, "FailedPostStartHook", "PostStartHook failed")
            .status(11, &found_dead(10, None));
        assert_eq!(story.conclude(30).post_start, [expect], "told in {reported}");
    };
    check(9, Outcome::Failed);
    check(11, Outcome::Unknown);
}

#[test]
fn the_first_second_of_a_container_is_its_own_where_the_one_before_was_found_dead_earlier() {
    let check = |found: i64, expect: &[Outcome]| {
        let mut over = waiting(1, "CrashLoopBackOff", 20, 20, 143, "Error");
        over["containerStatuses"][0]["lastState"]["terminated"]["containerID"] = json!("containerd://b");
        let story = Story::with_hooks(&exec("preStop"))
            .with_liveness_probe()
            .status(19, &found_dead(found, None))
            .event(20, "FailedPreStopHook", "PreStopHook failed")
            .status(21, &over);
        assert_eq!(story.conclude(40).pre_stop, expect, "found in {found}");
    };
    check(10, &[Outcome::Unknown, Outcome::Failed]);
    check(20, &[Outcome::Failed, Outcome::Unknown]);
}

#[test]
fn what_else_ends_a_program_is_no_sign_of_the_deadline_of_a_stop_that_may_be_forgotten() {
    // A probe has the container stopped, and the kubelet that is restarted meanwhile has forgotten it.
    let log = line_at("PreStop", 1, 10_500_000, None, "");
    let check = |finished: i64, code: i32, reason: &str, outcome: Outcome, kill: KillReason| {
        let over = with_log(waiting(0, "CrashLoopBackOff", 1, finished, code, reason), &log);
        let story = Story::with_hooks(&recorded(&["preStop"], &[]))
            .event(10, "Killing", "Container web failed liveness probe, will be restarted")
            .with_probe("livenessProbe", Some(5))
            .status(2, &running(0, 1))
            .status(finished + 1, &over);
        let expect = Conclusion { pre_stop: vec![outcome], kills: vec![kill], ..Conclusion::default() };
        assert_eq!(story.conclude(90), expect, "{reason} in {finished}");
    };
    check(18, 137, "Error", Outcome::TimedOut, KillReason::LivenessProbeFailed);
    check(18, 137, "OOMKilled", Outcome::Unknown, KillReason::LivenessProbeFailed);
    check(50, 137, "OOMKilled", Outcome::Unknown, KillReason::OomKilled);
    check(50, 0, "Completed", Outcome::Unknown, KillReason::LivenessProbeFailed);
}

#[test]
fn an_end_that_may_have_come_before_the_deadline_is_no_sign_of_a_stop_that_may_be_forgotten() {
    let log = line_at("PreStop", 1, 10_500_000, None, "");
    let check = |finished: i64, killing: Option<i64>, expect: Outcome| {
        let over = with_log(waiting(0, "CrashLoopBackOff", 1, finished, 0, "Completed"), &log);
        let story = Story::with_hooks(&recorded(&["preStop"], &[]))
            .with_liveness_probe()
            .status(2, &running(0, 1))
            .status(finished + 1, &over);
        let why = "Container web failed liveness probe, will be restarted";
        let story = match killing {
            Some(second) => story.event(second, "Killing", why),
            None => story,
        };
        assert_eq!(story.conclude(90).pre_stop, [expect], "ended in {finished}, stopped in {killing:?}");
    };
    check(38, None, Outcome::Unknown);
    check(40, None, Outcome::TimedOut);
    check(39, Some(9), Outcome::TimedOut);
    check(60, Some(9), Outcome::Unknown);
}

#[test]
fn a_hook_told_to_have_failed_at_the_deadline_was_cut_off_also_where_memory_ran_out_then() {
    let story = Story::with_hooks(&exec("preStop"))
        .with_probe("livenessProbe", Some(5))
        .status(2, &running(0, 1))
        .event(10, "Killing", "Container web failed liveness probe, will be restarted")
        .event(15, "FailedPreStopHook", "PreStopHook failed")
        .status(18, &waiting(0, "CrashLoopBackOff", 1, 17, 137, "OOMKilled"));
    assert_eq!(story.conclude(40).pre_stop, [Outcome::TimedOut]);
}

#[test]
fn nobody_knows_what_ended_a_container_that_runs_on_after_its_post_start_has_failed() {
    let log = line("PostStart", 1, Some("Failed"), "");
    let check = |over: Value, expect: &[KillReason]| {
        let story = Story::with_hooks(&recorded(&["postStart"], &[]))
            .with_liveness_probe()
            .status(5, &running(0, 1))
            .status(61, &with_log(over, &log));
        assert_eq!(story.conclude(80).kills, expect);
    };
    check(waiting(0, "CrashLoopBackOff", 1, 60, 143, "Error"), &[KillReason::Unknown]);
    check(waiting(0, "CrashLoopBackOff", 1, 60, 137, "OOMKilled"), &[KillReason::OomKilled]);
    check(waiting(0, "PostStartHookError", 1, 60, 143, "Error"), &[KillReason::PostStartHookFailed]);
    let stopped = Story::with_hooks(&recorded(&["postStart"], &[]))
        .stopping(60, 60, 30, &running(0, 1))
        .stopping(62, 60, 30, &with_log(ended(1, 61, 143, "Error"), &log));
    assert_eq!(stopped.conclude(80).kills, [], "the Pod was deleted");
}
