//! The runner's word comes first, and what a settled run counted never changes.

use hooked_core::lifecycle::{Finding, PodMarks, Slot};
use hooked_crd::{KillReason, Outcome, Source};
use hooked_protocol::RUNNER_PATH;
use serde_json::{Value, json};

use crate::fixtures::{BEGIN, Conclusion, Story, at, ended, running, waiting, web};

/// Exec hooks under the runner, with these options.
pub(crate) fn recorded(hooks: &[&str], options: &[&str]) -> Value {
    let log = ["--termination-log", "/dev/termination-log"];
    let command: Vec<&str> = [&[RUNNER_PATH, "run"][..], &log, options, &["--", "sh"]].concat();
    hooks.iter().map(|hook| ((*hook).to_owned(), json!({"exec": {"command": command}}))).collect()
}

/// A record of a run that began 1.5 s after the story, ended if it has an outcome.
pub(crate) fn line(hook: &str, execution: u32, outcome: Option<&str>, past: &str) -> String {
    line_at(hook, execution, 1_500_000, outcome, past)
}

/// A record of a run that began so many microseconds after the story.
pub(crate) fn line_at(hook: &str, execution: u32, micros: i64, outcome: Option<&str>, past: &str) -> String {
    let run = format!("{:032x}", u128::from(execution) + if hook == "PreStop" { 1 << 64 } else { 0 });
    let mut record = json!({
        "run": run, "container": "web", "hook": hook, "execution": execution, "phase": "started",
        "start": BEGIN * 1_000_000 + micros, "all": [execution, 0, 0, 0, 0], "past": past,
    });
    if let Some(outcome) = outcome {
        let exit = i32::from(outcome != "Succeeded") * 3;
        let ended = json!({"phase": "ended", "took": 4213, "outcome": outcome, "exit": exit, "attempts": 1});
        record.as_object_mut().unwrap().extend(ended.as_object().unwrap().clone());
    }
    format!("hooked.dev/v1 {record}\n")
}

/// The same status, with this text in the termination log of the instance that ended.
pub(crate) fn with_log(mut status: Value, log: &str) -> Value {
    let container = &mut status["containerStatuses"][0];
    for state in ["state", "lastState"] {
        if container[state]["terminated"].is_object() {
            container[state]["terminated"]["message"] = json!(log);
        }
    }
    status
}

#[test]
fn a_recorded_pre_stop_is_settled_at_once_and_exact() {
    let log = line("PreStop", 1, Some("Succeeded"), "");
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(
        12,
        10,
        30,
        &with_log(ended(1, 12, 0, "Completed"), &log),
    );
    let findings = story.findings(12);
    let [Finding::End { pre_stop: Some(run), kill: None, .. }] = &findings.settled[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((run.outcome, run.source, run.exit_code), (Outcome::Succeeded, Source::Runner, Some(0)));
    let duration = run.duration.unwrap();
    assert_eq!((duration.middle().as_micros(), duration.error().as_micros()), (4213, 0));
}

#[test]
fn a_record_outweighs_what_the_kubelet_reports() {
    let log = line("PreStop", 1, Some("Succeeded"), "");
    let story = Story::with_hooks(&recorded(&["preStop"], &[]))
        .event(10, "FailedPreStopHook", "PreStopHook failed")
        .stopping(12, 10, 30, &with_log(ended(1, 12, 0, "Completed"), &log));
    assert_eq!(
        story.conclude(22),
        Conclusion { pre_stop: vec![Outcome::Succeeded], ..Conclusion::default() }
    );
}

#[test]
fn a_log_that_looks_like_a_record_is_nothing_where_no_runner_runs() {
    let log = line("PreStop", 1, Some("Succeeded"), "");
    let story = Story::with_hooks(&json!({"preStop": {"exec": {"command": ["sh"]}}})).stopping(
        12,
        10,
        30,
        &with_log(ended(1, 12, 0, "Completed"), &log),
    );
    assert_eq!(story.conclude(22).pre_stop, [Outcome::Unknown]);
}

#[test]
fn a_run_that_only_began_was_cut_off_by_the_grace_period() {
    let log = line("PreStop", 1, None, "");
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(
        7,
        0,
        3,
        &with_log(ended(-10, 6, 137, "Error"), &log),
    );
    let expect = Conclusion {
        pre_stop: vec![Outcome::TimedOut],
        kills: vec![KillReason::GracePeriodExceededInPreStop],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(17), expect);
}

#[test]
fn a_hooks_own_timeout_is_the_cause_though_its_program_did_not_stop() {
    let log = line("PreStop", 1, Some("TimedOut"), "");
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(
        7,
        0,
        3,
        &with_log(ended(-10, 6, 137, "Error"), &log),
    );
    assert_eq!(story.conclude(7).kills, [KillReason::PreStopHookTimedOut]);
}

#[test]
fn a_run_that_only_began_when_its_program_exited_is_unknown() {
    let log = line("PreStop", 1, None, "");
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(
        7,
        0,
        30,
        &with_log(ended(-10, 6, 0, "Completed"), &log),
    );
    assert_eq!(story.conclude(17), Conclusion { pre_stop: vec![Outcome::Unknown], ..Conclusion::default() });
}

#[test]
fn an_ignored_failure_is_a_failure_and_kills_nothing() {
    let log = line("PostStart", 1, Some("Failed"), "");
    let story = Story::with_hooks(&recorded(&["postStart"], &["--ignore-failure"])).status(2, &running(0, 1));
    assert_eq!(story.conclude(50), Conclusion::default(), "that it runs proves nothing");
    let story = story.status(60, &with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &log));
    assert_eq!(story.conclude(60), Conclusion { post_start: vec![Outcome::Failed], ..Conclusion::default() });
}

#[test]
fn a_late_duration_is_counted_once() {
    let log = line("PostStart", 1, Some("Succeeded"), "");
    let story = Story::with_hooks(&recorded(&["postStart"], &[])).status(2, &running(0, 1));
    let findings = story.findings(12);
    let [Finding::PostStart { run, .. }] = &findings.settled[..] else { panic!("{findings:?}") };
    assert_eq!((run.outcome, run.source, run.duration), (Outcome::Succeeded, Source::Kubelet, None));

    let mut counted = PodMarks::default();
    counted.advance(&web(), Slot::PostStart, 1);
    counted.saw_running(&web(), 1);
    let story = story.status(60, &with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &log));
    let findings = story.findings_after(&counted, 60);
    let [Finding::End { late_duration: Some(late), .. }] = &findings.settled[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(late.duration.middle().as_micros(), 4213);
    counted.advance(&web(), Slot::End, 1);
    assert_eq!(story.findings_after(&counted, 60).settled, []);
}

#[test]
fn one_record_tells_of_every_run_of_a_crash_loop_that_nobody_watched() {
    let log = line("PostStart", 10, Some("Failed"), "fffffffff");
    let status = with_log(waiting(9, "CrashLoopBackOff", 100, 100, 0, "Completed"), &log);
    let story = Story::with_hooks(&recorded(&["postStart"], &[])).status(101, &status);
    let conclusion = story.conclude(101);
    assert_eq!(conclusion.post_start, [Outcome::Failed; 10]);
    assert_eq!(conclusion.kills, [KillReason::PostStartHookFailed; 10]);
}

#[test]
fn runs_are_not_recalled_where_executions_and_instances_differ() {
    let log = line("PreStop", 2, Some("Succeeded"), "f");
    let status = with_log(ended(100, 110, 0, "Completed"), &log);
    let mut status = status;
    status["containerStatuses"][0]["restartCount"] = json!(4);
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(111, 109, 30, &status);
    assert_eq!(story.conclude(111).pre_stop, [Outcome::Succeeded], "the others are lost, not guessed");
}

#[test]
fn a_reported_failure_is_none_where_the_runner_would_have_recorded_it() {
    let story = Story::with_hooks(&recorded(&["preStop"], &[]))
        .event(10, "FailedPreStopHook", "PreStopHook failed")
        .stopping(11, 10, 30, &ended(1, 10, 0, "Completed"));
    assert_eq!(story.conclude(21), Conclusion { pre_stop: vec![Outcome::Unknown], ..Conclusion::default() });
}

#[test]
fn a_stop_without_a_deletion_is_a_kill_by_its_probe_if_by_nothing_else() {
    let sandbox = |status: &mut Value, second: i64| {
        status["conditions"] = json!([{"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": at(second)}]);
    };
    let log = line("PreStop", 1, Some("Succeeded"), "");
    let again = |started: i64| {
        let mut status = with_log(waiting(0, "CrashLoopBackOff", started, 10, 143, "Error"), &log);
        sandbox(&mut status, 0);
        status
    };
    let with = || Story::with_hooks(&recorded(&["preStop"], &[]));
    let probed = || with().with_liveness_probe();
    let check = |story: Story, expect: KillReason| {
        assert_eq!(story.conclude(60).kills, [expect]);
    };
    check(probed().status(11, &again(0)), KillReason::LivenessProbeFailed);
    check(with().with_startup_probe().status(11, &again(0)), KillReason::StartupProbeFailed);
    // With both, it was the liveness probe's if the container had been ready once.
    let both = || probed().with_startup_probe();
    check(both().status(11, &again(0)), KillReason::Unknown);
    let mut ready = running(0, 0);
    ready["conditions"] = json!([{"type": "ContainersReady", "status": "True", "lastTransitionTime": at(1)}]);
    check(both().status(2, &ready).status(11, &again(0)), KillReason::LivenessProbeFailed);
    // Without a probe, after a change of the Pod or of its sandbox, or if it is not started again, nobody can
    // tell why.
    check(with().status(11, &again(0)), KillReason::Unknown);
    check(probed().changed().status(11, &again(0)), KillReason::Unknown);
    check(probed().status(11, &again(-1)), KillReason::Unknown);
    check(
        probed().event(9, "Killing", "Container web resize requires restart").status(11, &again(0)),
        KillReason::SpecChanged,
    );
    // A startup probe that had succeeded did not do it.
    check(with().with_startup_probe().status(2, &ready).status(11, &again(0)), KillReason::Unknown);
    // Nor does what came later make it a stop by deletion, nor the operator's absence until then.
    let mut over = again(0);
    let last = over["containerStatuses"][0]["lastState"].clone();
    over["containerStatuses"][0]["state"] = last.clone();
    for state in ["state", "lastState"] {
        over["containerStatuses"][0][state]["terminated"]["containerID"] = json!("a");
    }
    over["phase"] = json!("Failed");
    check(probed().status(11, &again(0)).stopping(15, 14, 30, &over), KillReason::LivenessProbeFailed);
    check(probed().stopping(15, 15, 0, &over), KillReason::LivenessProbeFailed);
    over["conditions"][0]["status"] = json!("False");
    check(probed().stopping(15, 15, 0, &over), KillReason::Unknown);
    let shut_down = with_log(ended(0, 10, 143, "Error"), &log);
    check(probed().status(11, &shut_down).stopping(15, 15, 0, &shut_down), KillReason::Unknown);
    check(probed().status(11, &with_log(ended(0, 10, 143, "Error"), &log)), KillReason::Unknown);
}

/// What the kubelet says where the runtime could not execute the runner.
fn unable(restarts: u32, exit_code: i32) -> Value {
    let words = format!(
        "Exec lifecycle hook ([{RUNNER_PATH} run -- sh]) for Container \"web\" in Pod \"pod_ns(uid)\" failed - error: rpc \
         error: code = Unknown desc = failed to exec in container: failed to start exec \"a\": OCI runtime exec failed: \
         exec failed: unable to start container process: exec: \"{RUNNER_PATH}\": permission denied: unknown, message: \"\""
    );
    let mut status = waiting(restarts, "PostStartHookError", 1, 2, exit_code, "Error");
    status["containerStatuses"][0]["state"]["waiting"]["message"] = json!(words);
    status
}

#[test]
fn a_runner_that_cannot_be_executed_is_not_booked_on_the_hook() {
    for exit_code in [137, 0] {
        let hooks = recorded(&["postStart", "preStop"], &[]);
        let story = Story::with_hooks(&hooks)
            .event(2, "FailedPostStartHook", "PostStartHook failed")
            .event(2, "Killing", "FailedPostStartHook")
            .event(2, "FailedPreStopHook", "PreStopHook failed")
            .status(3, &unable(0, exit_code));
        let expect = Conclusion {
            post_start: vec![Outcome::Skipped],
            pre_stop: vec![Outcome::Skipped],
            kills: vec![KillReason::Unknown],
            running: 0,
        };
        assert_eq!(story.conclude(60), expect, "{exit_code}");
        let findings = story.findings(60);
        let Some(Finding::PostStart { run, .. }) = findings.settled.first() else { panic!("{findings:?}") };
        assert_eq!(run.message, "not run: the hook-runner may not be executed (permission denied)");
    }
}

#[test]
fn a_kill_because_of_a_post_start_is_not_counted_before_that_run() {
    let failed = with_log(
        waiting(1, "CrashLoopBackOff", 3, 3, 137, "Error"),
        &line_at("PostStart", 2, 3_000_000, Some("Failed"), ""),
    );
    let story =
        Story::with_hooks(&recorded(&["postStart"], &[])).status(2, &running(0, 1)).status(4, &failed);
    assert_eq!(story.conclude(4), Conclusion::default(), "the run of the instance before is not settled yet");
    let expect = Conclusion {
        post_start: vec![Outcome::Succeeded, Outcome::Failed],
        kills: vec![KillReason::PostStartHookFailed],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(12), expect);
}
