//! What the next operator concludes, which remembers nothing, is what the one before would have concluded.

use hooked_core::lifecycle::{Finding, Findings, PodMarks, Slot};
use hooked_crd::{KillReason, Outcome};
use hooked_protocol::RUNNER_PATH;
use serde_json::json;

use crate::fixtures::{Story, at, both, ended, exec, running, web};
use crate::records::{line, recorded, with_log};

fn kills(findings: &Findings) -> Vec<(u32, KillReason)> {
    findings
        .settled
        .iter()
        .filter_map(|f| match f {
            Finding::End { instance, kill: Some(kill), .. } => Some((*instance, kill.reason)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_container_in_back_off_when_its_pod_is_evicted_had_ended_by_itself() {
    let same = json!({"terminated": {"containerID": "a", "startedAt": at(1), "finishedAt": at(190), "exitCode": 1, "reason": "Error"}});
    let status = json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": same, "lastState": same}]});
    let story = Story::with_hooks(&exec("preStop")).pod_event(200, "Evicted").status(205, &status);
    assert_eq!(story.conclude(300).kills, []);
}

#[test]
fn a_sibling_in_back_off_does_not_date_the_eviction() {
    let same = json!({"terminated": {"containerID": "s", "startedAt": at(1), "finishedAt": at(10), "exitCode": 1, "reason": "Error"}});
    let status = json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [
        {"name": "web", "restartCount": 1,
         "state": {"terminated": {"containerID": "b", "startedAt": at(196), "finishedAt": at(205), "exitCode": 1, "reason": "Error"}},
         "lastState": {"terminated": {"containerID": "a", "startedAt": at(5), "finishedAt": at(195), "exitCode": 1, "reason": "Error"}}},
        {"name": "side", "restartCount": 0, "state": same, "lastState": same}]});
    let story = Story::with_hooks(&exec("preStop")).pod_event(200, "Evicted").status(206, &status);
    assert_eq!(kills(&story.findings(300)), [(2, KillReason::Evicted)]);
}

fn marks(post_start: u32, end: u32, seen: bool) -> PodMarks {
    let mut marks = PodMarks::default();
    marks.advance(&web(), Slot::PostStart, post_start);
    if end > 0 {
        marks.advance(&web(), Slot::End, end);
    }
    if seen {
        marks.saw_running(&web(), post_start);
    }
    marks
}

#[test]
fn an_instance_counted_as_succeeded_is_not_killed_by_its_post_start() {
    // Instance 1 failed in second 10, instance 2 began in second 10, was seen running and counted as
    // Succeeded.
    let status = json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"containerID": "b", "startedAt": at(10), "finishedAt": at(500), "exitCode": 0, "reason": "Completed"}}}]});
    let event = |s: Story| s.event(10, "FailedPostStartHook", "PostStartHook failed");
    let stayed =
        event(Story::with_hooks(&exec("postStart"))).status(11, &running(1, 10)).status(501, &status);
    assert_eq!(kills(&stayed.findings_after(&marks(2, 1, true), 600)), [], "the operator that saw it");
    let anew = event(Story::with_hooks(&exec("postStart"))).status(501, &status);
    assert_eq!(kills(&anew.findings_after(&marks(2, 1, true), 600)), [], "the next operator");
}

#[test]
fn a_forgotten_container_ends_for_the_next_operator_too() {
    for restarts in [0, 1] {
        let forgotten = json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [{
        "name": "web", "restartCount": restarts,
        "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}}]});
        let stayed = Story::with_hooks(&both())
            .status(2, &running(0, 1))
            .pod_event(8, "Evicted")
            .status(10, &forgotten);
        assert_eq!(kills(&stayed.findings_after(&marks(1, 0, true), 60)), [(1, KillReason::Evicted)]);
        let anew = Story::with_hooks(&both()).status(20, &forgotten).pod_event(8, "Evicted");
        let findings = anew.findings_after(&marks(1, 0, true), 60);
        assert!(findings.closed);
        assert_eq!(kills(&findings), [(1, KillReason::Evicted)], "{restarts} restarts");
    }
}

#[test]
fn a_sigkill_at_the_end_of_grace_is_a_kill_for_the_next_operator_too() {
    let story = || Story::with_hooks(&recorded(&["preStop"], &[]));
    let cut_off = line("PreStop", 1, None, "");
    let over = with_log(ended(-10, 31, 137, "Error"), &cut_off);
    let stayed = story().stopping(1, 0, 30, &running(0, -10)).stopping(32, 0, 0, &over);
    assert_eq!(stayed.conclude(50).kills, [KillReason::GracePeriodExceededInPreStop]);

    // The kubelet's last deletion shows the second in which it came. Of the stop only the runner tells, which
    // began in second 1, or an Event.
    let check = |log: &str, killing: Option<i64>, finished: i64, expect: KillReason| {
        let over = with_log(ended(-10, finished, 137, "Error"), log);
        let anew = story().stopping(finished + 1, finished + 1, 0, &over);
        let anew = killing.into_iter().fold(anew, |story, second| story.event(second, "Killing", "Stopping"));
        assert_eq!(anew.conclude(finished + 60).kills, [expect], "{log} {killing:?} {finished}");
    };
    let ended_well = line("PreStop", 1, Some("Succeeded"), "");
    check(&cut_off, None, 31, KillReason::GracePeriodExceededInPreStop);
    check(&cut_off, None, 33, KillReason::GracePeriodExceededInPreStop);
    check(&ended_well, None, 31, KillReason::GracePeriodExceeded);
    check("", Some(1), 31, KillReason::GracePeriodExceeded);
    // A grace that the deletion shortened is in what nobody saw: that it was a kill is all that is certain
    // then.
    check(&cut_off, None, 4, KillReason::Unknown);
    check("", Some(1), 30, KillReason::Unknown);
    check("", None, 31, KillReason::Unknown);
}

#[test]
fn a_hook_cut_off_at_the_end_of_grace_is_no_failure_for_the_next_either() {
    // The kubelet reports it in the second of the kill, or after it.
    for reported in [31, 32] {
        let story = || {
            Story::with_hooks(&exec("preStop")).event(1, "Killing", "Stopping container web").event(
                reported,
                "FailedPreStopHook",
                "PreStopHook failed",
            )
        };
        let over = ended(-10, 31, 137, "Error");
        let stayed = story().stopping(2, 1, 30, &running(0, -10)).stopping(32, 32, 0, &over);
        let anew = story().stopping(32, 32, 0, &over);
        for story in [stayed, anew] {
            let concluded = story.conclude(60);
            assert_eq!(concluded.pre_stop, [Outcome::TimedOut], "reported in second {reported}");
            assert_eq!(concluded.kills, [KillReason::GracePeriodExceededInPreStop], "{reported}");
        }
    }
}

#[test]
fn an_instance_within_the_second_of_a_failed_one_is_not_being_stopped() {
    let status = json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 1,
        "state": {"running": {"startedAt": at(10)}},
        "lastState": {"terminated": {"containerID": "a", "startedAt": at(5), "finishedAt": at(10), "exitCode": 0, "reason": "Completed"}}}]});
    let story = Story::with_hooks(&both())
        .event(10, "FailedPostStartHook", "PostStartHook failed")
        .event(10, "Killing", "FailedPostStartHook")
        .status(11, &status);
    assert_eq!(story.conclude(5000).running, 0);
}

#[test]
fn a_cancelled_hook_is_no_kill_for_the_next_operator_either() {
    let command = json!([RUNNER_PATH, "run", "--live", "/.hooked/live", "--", "sh"]);
    let hooks = json!({"postStart": {"exec": {"command": command}}});
    let build = |live: bool| {
        let story = Story::with_hooks(&hooks);
        let story = if live { story.live(&line("PostStart", 1, Some("Cancelled"), "")) } else { story };
        story
            .event(2, "FailedPostStartHook", "PostStartHook failed")
            .event(2, "Killing", "FailedPostStartHook")
            .stopping(6, 2, 30, &ended(1, 5, 0, "Completed"))
    };
    assert_eq!(kills(&build(true).findings_after(&marks(1, 0, false), 60)), [], "the operator that heard");
    assert_eq!(kills(&build(false).findings_after(&marks(1, 0, false), 60)), [], "the next operator");
}
