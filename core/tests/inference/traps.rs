//! Each trap of what Kubernetes shows of hooks, as a story that a real kubelet tells.

use crate::fixtures::{Conclusion, Story, at, both, ended, exec, running, waiting, web};
use hooked_core::lifecycle::{Finding, Slot};
use hooked_crd::{KillReason, Outcome};
use serde_json::json;

use crate::records::{line, recorded, with_log};

#[test]
fn a_container_that_became_running_has_a_finished_post_start() {
    let story = Story::with_hooks(&exec("postStart")).status(2, &running(0, 1));
    assert_eq!(story.conclude(2), Conclusion::default(), "its end was seen just now");
    assert_eq!(
        story.conclude(12),
        Conclusion { post_start: vec![Outcome::Succeeded], ..Conclusion::default() }
    );
}

#[test]
fn a_failed_post_start_is_the_cause_though_pre_stop_fails_too() {
    let story = Story::with_hooks(&both())
        .event(1, "Started", "Started container web")
        .event(3, "FailedPostStartHook", "PostStartHook failed")
        .event(3, "Killing", "FailedPostStartHook")
        .event(7, "FailedPreStopHook", "PreStopHook failed")
        .status(8, &waiting(0, "PostStartHookError", 1, 7, 0, "Completed"));
    let expect = Conclusion {
        post_start: vec![Outcome::Failed],
        pre_stop: vec![Outcome::Failed],
        kills: vec![KillReason::PostStartHookFailed],
        running: 0,
    };
    assert_eq!(story.conclude(20), expect);
}

#[test]
fn the_waiting_reason_may_carry_a_suffix() {
    let story = Story::with_hooks(&exec("postStart"))
        .status(2, &waiting(0, "PostStartHookError: more", 1, 2, 0, "Completed"));
    assert_eq!(story.conclude(20).post_start, [Outcome::Failed]);
}

#[test]
fn crash_loop_back_off_hides_the_reason_but_an_event_may_tell() {
    let hidden = Story::with_hooks(&exec("postStart"))
        .status(9, &waiting(0, "CrashLoopBackOff", 1, 3, 0, "Completed"));
    assert_eq!(hidden.conclude(20).post_start, [Outcome::Unknown]);
    let reported = hidden.event(2, "FailedPostStartHook", "PostStartHook failed");
    assert_eq!(reported.conclude(20).post_start, [Outcome::Failed]);
    assert_eq!(reported.conclude(20).kills, [KillReason::PostStartHookFailed]);
}

#[test]
fn in_one_second_an_event_does_not_tell_who_was_first_but_the_hooks_exit_status_may() {
    let event = |story: Story| story.event(3, "FailedPostStartHook", "PostStartHook failed");
    let hidden = Story::with_hooks(&exec("postStart"))
        .status(9, &waiting(0, "CrashLoopBackOff", 1, 3, 0, "Completed"));
    assert_eq!(event(hidden).conclude(20).post_start, [Outcome::Unknown]);
    let mut status = waiting(0, "PostStartHookError", 1, 3, 0, "Completed");
    let exits_with_3 = Story::with_hooks(&exec("postStart")).status(3, &status);
    assert_eq!(event(exits_with_3).conclude(20).post_start, [Outcome::Failed]);
    status["containerStatuses"][0]["state"]["waiting"]["message"] = json!("command 'sh' exited with 137: ");
    let killed = Story::with_hooks(&exec("postStart")).status(3, &status);
    let expect = Conclusion { post_start: vec![Outcome::Unknown], ..Conclusion::default() };
    assert_eq!(event(killed).conclude(20), expect);
}

#[test]
fn an_eviction_is_the_end_of_the_instance_that_it_ended_and_of_none_before() {
    let restarted = json!({"phase": "Succeeded", "containerStatuses": [{
        "name": "web", "restartCount": 1,
        "state": {"terminated": {"containerID": "b", "startedAt": at(5), "finishedAt": at(20), "exitCode": 0}},
        "lastState": {"terminated": {"containerID": "a", "startedAt": at(1), "finishedAt": at(4), "exitCode": 1}},
    }]});
    let story = Story::with_hooks(&exec("preStop")).status(21, &restarted);
    assert_eq!(story.conclude(31).kills, []);
    assert_eq!(story.pod_event(18, "Evicted").conclude(31).kills, [KillReason::Evicted]);
}

#[test]
fn a_container_that_the_kubelet_has_forgotten_when_it_tells_of_an_eviction_was_evicted() {
    let forgotten = json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [{
        "name": "web", "restartCount": 1,
        "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}},
    }]});
    // What the kubelet shows for a moment before that.
    let mut forgetting = forgotten.clone();
    forgetting["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ContainerCreating"}});
    let mut unexplained = forgotten.clone();
    unexplained["reason"] = json!(null);
    let check = |story: Story| {
        let expect = Conclusion {
            pre_stop: vec![Outcome::Unknown],
            kills: vec![KillReason::Evicted],
            ..Conclusion::default()
        };
        assert_eq!(story.conclude(20), expect);
    };
    let story = || Story::with_hooks(&exec("preStop")).status(2, &running(0, 1));
    check(story().pod_event(8, "Evicted").status(10, &unexplained));
    // The Event may come late, or never.
    check(story().status(10, &forgotten));
    check(story().status(10, &forgetting));
    check(story().status(10, &forgotten).pod_event(8, "Evicted"));
}

#[test]
fn a_hook_that_its_programs_end_cut_off_has_not_failed() {
    let story = Story::with_hooks(&exec("postStart"))
        .event(6, "FailedPostStartHook", "PostStartHook failed")
        .event(6, "Killing", "FailedPostStartHook")
        .status(7, &ended(1, 2, 0, "Completed"));
    let expect = Conclusion { post_start: vec![Outcome::Unknown], ..Conclusion::default() };
    assert_eq!(story.conclude(20), expect);
}

#[test]
fn a_pre_stop_that_is_not_known_to_have_failed_is_unknown() {
    let story = Story::with_hooks(&exec("preStop"))
        .stopping(10, 10, 30, &running(0, 1))
        .event(10, "Killing", "Stopping container web")
        .stopping(12, 10, 30, &ended(1, 12, 0, "Completed"));
    assert_eq!(story.conclude(22), Conclusion { pre_stop: vec![Outcome::Unknown], ..Conclusion::default() });
}

#[test]
fn a_failed_pre_stop_is_a_kill_although_the_stop_was_under_way() {
    let story = Story::with_hooks(&exec("preStop"))
        .event(10, "Killing", "Stopping container web")
        .event(10, "FailedPreStopHook", "PreStopHook failed")
        .stopping(11, 10, 30, &ended(1, 10, 0, "Completed"));
    let expect = Conclusion {
        pre_stop: vec![Outcome::Failed],
        kills: vec![KillReason::PreStopHookFailed],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(21), expect);
}

#[test]
fn a_hook_that_makes_its_program_quit_and_dies_with_it_has_not_failed() {
    let story = Story::with_hooks(&exec("preStop"))
        .event(10, "Killing", "Stopping container web")
        .event(12, "FailedPreStopHook", "PreStopHook failed")
        .stopping(13, 10, 30, &ended(1, 11, 0, "Completed"));
    assert_eq!(story.conclude(23), Conclusion { pre_stop: vec![Outcome::Unknown], ..Conclusion::default() });
}

#[test]
fn a_failure_in_the_second_in_which_a_program_ends_that_ends_by_itself_is_no_failure() {
    let check = |last_state: serde_json::Value, outcome: Outcome, kills: &[KillReason]| {
        let status = json!({"phase": "Succeeded", "containerStatuses": [{
            "name": "web", "restartCount": 1, "lastState": last_state, "state": {"terminated":
                {"containerID": "b", "startedAt": at(12), "finishedAt": at(13), "exitCode": 0}},
        }]});
        let story = Story::with_hooks(&exec("preStop"))
            .event(13, "Killing", "Stopping container web")
            .event(13, "FailedPreStopHook", "PreStopHook failed")
            .stopping(14, 13, 30, &status);
        let conclusion = story.conclude(24);
        assert_eq!(conclusion.pre_stop.last(), Some(&outcome), "after {last_state}");
        assert_eq!(conclusion.kills, kills, "after {last_state}");
    };
    let before =
        json!({"terminated": {"containerID": "a", "startedAt": at(1), "finishedAt": at(2), "exitCode": 0}});
    check(before, Outcome::Unknown, &[]);
    check(json!({}), Outcome::Failed, &[KillReason::PreStopHookFailed]);
}

#[test]
fn a_hook_cut_off_by_the_grace_period_is_reported_only_after_the_kill() {
    let story = Story::with_hooks(&exec("preStop"))
        .event(0, "Killing", "Stopping container web")
        .event(6, "FailedPreStopHook", "PreStopHook failed")
        .stopping(7, 0, 3, &ended(-10, 6, 137, "Error"));
    let expect = Conclusion {
        pre_stop: vec![Outcome::TimedOut],
        kills: vec![KillReason::GracePeriodExceededInPreStop],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(17), expect);
}

#[test]
fn a_program_that_ignores_its_stop_signal_exceeds_the_grace_period() {
    let story = Story::with_hooks(&exec("preStop")).event(0, "Killing", "Stopping container web").stopping(
        5,
        0,
        3,
        &ended(-10, 4, 137, "Error"),
    );
    assert_eq!(story.conclude(15).kills, [KillReason::GracePeriodExceeded]);
}

#[test]
fn an_exit_status_of_137_before_the_deadline_is_no_proof_of_a_kill_by_it() {
    let story = Story::with_hooks(&exec("preStop")).stopping(5, 0, 30, &ended(-10, 4, 137, "Error"));
    assert_eq!(story.conclude(15).kills, []);
}

#[test]
fn a_container_out_of_memory_runs_no_pre_stop() {
    let story = Story::with_hooks(&exec("preStop"))
        .status(5, &waiting(0, "CrashLoopBackOff", 1, 4, 137, "OOMKilled"));
    let expect = Conclusion {
        pre_stop: vec![Outcome::Skipped],
        kills: vec![KillReason::OomKilled],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(15), expect);
}

#[test]
fn of_a_container_that_runs_out_of_memory_while_it_is_stopped_nobody_knows_whether_its_hook_ran() {
    let check = |deleted: i64, reported: Option<i64>, outcome: Outcome| {
        let story = Story::with_hooks(&exec("preStop")).status(2, &running(0, 1)).stopping(
            20,
            deleted,
            30,
            &ended(1, 12, 137, "OOMKilled"),
        );
        let story = match reported {
            Some(second) => story.event(deleted, "Killing", "Stopping container web").event(
                second,
                "FailedPreStopHook",
                "PreStopHook failed",
            ),
            None => story,
        };
        let expect = Conclusion {
            pre_stop: vec![outcome],
            kills: vec![KillReason::OomKilled],
            ..Conclusion::default()
        };
        assert_eq!(story.conclude(40), expect, "deleted at {deleted}, reported at {reported:?}");
    };
    check(13, None, Outcome::Skipped);
    check(10, None, Outcome::Unknown);
    check(10, Some(12), Outcome::Unknown);
    check(10, Some(11), Outcome::Failed);
}

#[test]
fn a_container_that_exits_by_itself_is_not_killed_and_runs_no_pre_stop() {
    let story =
        Story::with_hooks(&exec("preStop")).status(5, &waiting(0, "CrashLoopBackOff", 1, 4, 1, "Error"));
    assert_eq!(story.conclude(15), Conclusion { pre_stop: vec![Outcome::Skipped], ..Conclusion::default() });
}

#[test]
fn with_a_probe_that_could_have_killed_it_nobody_knows_whether_pre_stop_ran() {
    let story = Story::with_hooks(&exec("preStop"))
        .with_liveness_probe()
        .status(5, &waiting(0, "CrashLoopBackOff", 1, 4, 1, "Error"));
    assert_eq!(story.conclude(15).pre_stop, [Outcome::Unknown]);
}

#[test]
fn a_liveness_probe_kills_whatever_the_program_exits_with() {
    let story = Story::with_hooks(&exec("preStop"))
        .with_liveness_probe()
        .event(3, "Killing", "Container web failed liveness probe, will be restarted")
        .status(5, &waiting(0, "CrashLoopBackOff", 1, 4, 0, "Completed"));
    let expect = Conclusion {
        pre_stop: vec![Outcome::Unknown],
        kills: vec![KillReason::LivenessProbeFailed],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(15), expect);
}

#[test]
fn the_kubelets_own_last_deletion_is_no_force_deletion() {
    let story = Story::with_hooks(&exec("preStop")).stopping(0, 0, 30, &running(0, -10)).stopping(
        3,
        2,
        0,
        &ended(-10, 2, 0, "Completed"),
    );
    assert_eq!(story.conclude(13).kills, []);
}

#[test]
fn a_force_deletion_shows_while_the_container_still_runs() {
    let story = Story::with_hooks(&exec("preStop")).stopping(0, 0, 0, &running(0, -10)).stopping(
        3,
        1,
        0,
        &ended(-10, 2, 137, "Error"),
    );
    assert_eq!(story.conclude(13).kills, [KillReason::ForceDeleted]);
}

#[test]
fn a_container_that_ended_before_the_deletion_ran_no_pre_stop() {
    let story = Story::with_hooks(&exec("preStop")).stopping(9, 8, 30, &ended(1, 4, 0, "Completed"));
    assert_eq!(story.conclude(19), Conclusion { pre_stop: vec![Outcome::Skipped], ..Conclusion::default() });
}

#[test]
fn a_hanging_post_start_is_seen_while_it_hangs() {
    let pending = json!({"phase": "Pending", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}},
    ]});
    let story = Story::with_hooks(&exec("postStart")).status(1, &pending).event(
        2,
        "Started",
        "Started container web",
    );
    assert_eq!(story.conclude(500), Conclusion { running: 1, ..Conclusion::default() });
    assert_eq!(story.findings(500).running[0].outcome, Outcome::Running);
}

#[test]
fn a_pre_stop_is_running_from_the_deletion_until_its_container_has_ended() {
    let story = Story::with_hooks(&exec("preStop")).stopping(10, 10, 30, &running(0, 1));
    assert_eq!(story.conclude(11).running, 1);
    let over = story.stopping(14, 10, 30, &ended(1, 13, 0, "Completed"));
    assert_eq!(over.conclude(14).running, 0);
}

#[test]
fn instances_that_were_over_before_anybody_looked_are_lost_and_not_guessed() {
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
fn a_kill_in_the_second_of_the_next_instance_is_the_kill_of_the_one_before() {
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

/// What is concluded of a container that ran when its Pod was deleted with `disruption`, and of which nothing was heard
/// since.
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
fn a_container_that_vanished_from_its_node_does_not_end_as_the_one_before_it() {
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
