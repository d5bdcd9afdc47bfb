//! What nobody saw, or what a status shows only in part.

use hooked_core::lifecycle::{Finding, Slot};
use hooked_crd::{KillReason, Outcome};
use serde_json::json;

use crate::fixtures::{Conclusion, Story, at, both, ended, exec, running, waiting, web};
use crate::records::{line, recorded, with_log};

#[test]
fn instances_over_before_anybody_looked_are_lost_and_not_guessed() {
    let story = Story::with_hooks(&both()).status(50, &waiting(4, "CrashLoopBackOff", 40, 49, 1, "Error"));
    let lost: Vec<_> = story
        .findings(70)
        .settled
        .into_iter()
        .filter_map(|finding| match finding {
            Finding::Lost { container, slot, first, last, .. } => Some((container, slot, first, last)),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [(web(), Slot::PostStart, 1, 4), (web(), Slot::End, 1, 4)]);
}

#[test]
fn a_silent_kubelet_is_given_up_a_minute_after_the_grace_period() {
    let story = Story::with_hooks(&exec("preStop")).stopping(0, 0, 30, &running(0, -10));
    assert_eq!(story.conclude(89), Conclusion { running: 1, ..Conclusion::default() });
    let expect = Conclusion {
        pre_stop: vec![Outcome::Unknown],
        kills: vec![KillReason::Unknown],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(90), expect);
}

#[test]
fn of_which_start_a_silent_kubelet_told_a_failure_nobody_knows() {
    let story = Story::with_hooks(&exec("preStop")).stopping(0, 0, 30, &running(0, -10));
    let story = story.event(20, "FailedPreStopHook", "PreStopHook failed");
    assert_eq!(story.conclude(90).pre_stop, [Outcome::Unknown]);
    let ended = story.stopping(30, 0, 30, &ended(-10, 25, 0, "Completed"));
    assert_eq!(ended.conclude(90).pre_stop, [Outcome::Failed]);
}

#[test]
fn an_inferred_duration_holds_the_truth() {
    let story = Story::with_hooks(&exec("preStop"))
        .event(10, "Killing", "Stopping container web")
        .event(13, "FailedPreStopHook", "PreStopHook failed")
        .stopping(14, 10, 30, &ended(1, 13, 0, "Completed"));
    let findings = story.findings(24);
    let Finding::End { pre_stop: Some(run), .. } = &findings.settled[0] else { panic!("{findings:?}") };
    let interval = run.duration.unwrap();
    // From 10.999 to 13.000 it is 2.001 s at the least, from 10.000 to 13.999 it is 3.999 s at the most.
    assert_eq!((interval.shortest.as_secs(), interval.longest.as_secs()), (2, 4));
}

#[test]
fn a_container_that_was_never_started_is_made_to_look_ended_and_is_not() {
    let status = json!({"phase": "Failed", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}},
    ]});
    let story = Story::with_hooks(&both()).stopping(5, 0, 30, &status);
    assert_eq!(story.conclude(50), Conclusion::default());
    assert!(story.findings(50).complete);
}

#[test]
fn a_container_that_could_not_be_started_ran_no_hook() {
    let story =
        Story::with_hooks(&both()).status(5, &waiting(0, "CrashLoopBackOff", 4, 4, 128, "StartError"));
    let expect = Conclusion {
        post_start: vec![Outcome::Skipped],
        pre_stop: vec![Outcome::Skipped],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(15), expect);
}

#[test]
fn a_kill_in_the_second_of_the_next_instance_is_of_the_one_before() {
    let restarted = json!({"phase": "Running", "containerStatuses": [{
        "name": "web", "restartCount": 1, "state": {"running": {"startedAt": at(10)}},
        "lastState": {"terminated": {"startedAt": at(1), "finishedAt": at(10), "exitCode": 0}},
    }]});
    let story = Story::with_hooks(&exec("preStop"))
        .with_liveness_probe()
        .event(10, "Killing", "Container web failed liveness probe, will be restarted")
        .status(11, &restarted);
    let conclusion = story.conclude(21);
    assert_eq!(conclusion.kills, [KillReason::LivenessProbeFailed]);
    assert_eq!(conclusion.running, 0, "the new instance is not being stopped");
}

#[test]
fn a_second_deletion_with_a_shorter_grace_does_not_move_the_deadline() {
    let story = Story::with_hooks(&exec("preStop")).stopping(0, 0, 300, &running(0, -10)).stopping(
        10,
        0,
        60,
        &running(0, -10),
    );
    assert_eq!(
        story.conclude(200),
        Conclusion { running: 1, ..Conclusion::default() },
        "its kubelet is not silent"
    );
}

#[test]
fn what_a_hook_prints_is_not_taken_for_its_exit_status() {
    let mut status = waiting(0, "PostStartHookError", 1, 2, 0, "Completed");
    status["containerStatuses"][0]["state"]["waiting"]["message"] =
        json!("command 'sh' exited with 3: , message: \"'x' exited with 77: \"");
    let findings = Story::with_hooks(&exec("postStart")).status(2, &status).findings(20);
    let Finding::PostStart { run, .. } = &findings.settled[0] else { panic!("{findings:?}") };
    assert!(run.message.contains("exited with 3") && !run.message.contains("77"), "{}", run.message);
    assert_eq!(run.exit_code, Some(3));
}

/// What is concluded of a container that ran when its Pod was deleted with `disruption`, and of which nothing
/// was heard since.
fn unobserved(disruption: &str) -> Vec<KillReason> {
    let mut status = running(0, -10);
    status["conditions"] = json!([{"type": "DisruptionTarget", "status": "True", "reason": disruption}]);
    Story::with_hooks(&exec("preStop")).stopping(0, 0, 30, &status).conclude(90).kills
}

#[test]
fn a_container_of_a_node_that_does_not_answer_is_lost_with_it() {
    assert_eq!(unobserved("DeletionByTaintManager"), [KillReason::NodeLost]);
    assert_eq!(unobserved("DeletionByPodGC"), [KillReason::NodeLost]);
    assert_eq!(unobserved("EvictionByEvictionAPI"), [KillReason::Unknown], "the node may be well");
}

#[test]
fn a_pod_that_is_evicted_from_a_node_that_lives_stops_as_any_other() {
    let mut status = ended(-10, 2, 0, "Completed");
    status["conditions"] =
        json!([{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}]);
    let story = Story::with_hooks(&exec("preStop")).stopping(3, 0, 30, &status);
    assert_eq!(story.conclude(13).kills, []);
}

#[test]
fn an_instance_vanished_from_its_node_does_not_end_as_the_one_before() {
    let failing = line("PreStop", 1, Some("Succeeded"), "");
    let before = with_log(waiting(1, "ContainerCreating", 0, 10, 143, "Error"), &failing);
    let story =
        Story::with_hooks(&recorded(&["preStop"], &[])).status(12, &running(1, 11)).status(20, &before);
    let findings = story.findings(60);
    let ends = findings.settled.iter().filter_map(|finding| match finding {
        Finding::End { instance, .. } => Some(*instance),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<u32>>(), [1], "{findings:?}");
}

#[test]
fn a_failure_told_long_after_an_instances_end_may_be_of_the_next() {
    let conclude = |reported| {
        let story = Story::with_hooks(&json!({"postStart": {"httpGet": {"port": 80}}}))
            .event(reported, "FailedPostStartHook", "PostStartHook failed")
            .status(9, &waiting(0, "CrashLoopBackOff", 1, 5, 137, "OOMKilled"));
        story.conclude(60).post_start
    };
    assert_eq!(conclude(5), [Outcome::Failed]);
    assert_eq!(conclude(6), [Outcome::Failed], "the kubelet tells of it a moment later");
    assert_eq!(conclude(8), [Outcome::Unknown]);
}

#[test]
fn a_deletion_that_may_have_shortened_another_proves_no_end_before_it() {
    let hooked = || Story::with_hooks(&exec("preStop"));
    let over = ended(1, 11, 0, "Completed");
    let conclude = |story: Story| story.conclude(60).pre_stop;
    // Deleted at second 20 with the grace of its spec: the container had ended before.
    assert_eq!(conclude(hooked().stopping(21, 20, 30, &over)), [Outcome::Skipped]);
    // With a shorter one: an earlier deletion may have stopped the container.
    assert_eq!(conclude(hooked().stopping(21, 20, 1, &over)), [Outcome::Unknown]);
    // The earlier deletion was seen, and so was that there was none.
    let both = hooked().stopping(9, 8, 30, &running(0, 1)).stopping(21, 20, 1, &over);
    assert_eq!(conclude(both), [Outcome::Unknown]);
    assert_eq!(conclude(hooked().status(12, &over).stopping(21, 20, 1, &over)), [Outcome::Skipped]);
}
