//! What restarts of nodes and kubelets leave behind: ends made up, stops and failures that are forgotten.

use hooked_crd::Outcome;
use serde_json::{Value, json};

use crate::fixtures::{Story, at, exec, running, waiting};

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
