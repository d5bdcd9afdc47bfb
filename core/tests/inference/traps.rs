//! Each trap of what Kubernetes shows of hooks, as a story that a real kubelet tells.

use hooked_crd::{KillReason, Outcome};
use serde_json::json;

use crate::fixtures::{Conclusion, Story, at, both, ended, exec, running, waiting};

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
fn within_one_second_only_the_hooks_exit_status_tells_who_was_first() {
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
fn an_eviction_ends_one_instance_and_none_before_it() {
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
fn a_container_forgotten_by_the_time_of_an_eviction_was_evicted() {
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
fn a_failure_in_the_second_in_which_a_program_ends_itself_is_none() {
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
fn whether_a_hook_ran_is_unknown_if_memory_ran_out_during_the_stop() {
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
fn whether_pre_stop_ran_is_unknown_if_a_probe_may_have_killed() {
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
