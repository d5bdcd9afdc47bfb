//! What is reported while a hook runs: it counts at once, and it counts once.

use std::sync::Arc;

use hooked_core::lifecycle::{Finding, Findings, PodMarks, Slot};
use hooked_crd::{HookKind, Outcome, Source};
use hooked_protocol::RUNNER_PATH;
use serde_json::{Value, json};

use crate::fixtures::{BEGIN, Conclusion, Story, at, ended, running, waiting, web};
use crate::records::{line, recorded, with_log};

/// Exec hooks under the runner that report live too.
pub(crate) fn live(hooks: &[&str]) -> Value {
    recorded(hooks, &["--live", "/.hooked/live"])
}

/// The records are of runs that began in second 1 of the story; this one began in another.
fn moved(line: &str, second: i64) -> String {
    line.replace(&format!("{}500000", BEGIN + 1), &format!("{}500000", BEGIN + second))
}

/// A Pod that is there, and of whose container nothing is shown yet.
fn new(hooks: &Value) -> Story {
    Story::with_hooks(hooks).status(0, &json!({"phase": "Pending"}))
}

fn post_starts(findings: &Findings) -> Vec<(u32, Outcome, Source, Option<u128>)> {
    let runs = findings.settled.iter().filter_map(|finding| match finding {
        Finding::PostStart { instance, run, .. } => Some((
            *instance,
            run.outcome,
            run.source,
            run.duration.map(|interval| interval.middle().as_micros()),
        )),
        _ => None,
    });
    runs.collect()
}

fn counted(instance: u32) -> PodMarks {
    let mut marks = PodMarks::default();
    marks.advance(&web(), Slot::PostStart, instance);
    marks
}

#[test]
fn a_post_start_counts_when_its_end_is_reported_and_not_again_later() {
    let log = line("PostStart", 1, Some("Succeeded"), "");
    let story = new(&live(&["postStart"])).live(&log);
    let exact = [(1, Outcome::Succeeded, Source::Runner, Some(4213))];
    assert_eq!(post_starts(&story.findings(2)), exact, "before the container is shown");
    let shown = story.status(3, &running(0, 1));
    assert_eq!(post_starts(&shown.findings(3)), exact);
    assert_eq!(post_starts(&shown.findings_after(&counted(1), 60)), []);
    let over = shown.status(60, &with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &log));
    let findings = over.findings_after(&counted(1), 60);
    let [Finding::End { late_duration: None, .. }] = &findings.settled[..] else { panic!("{findings:?}") };
}

#[test]
fn a_late_report_of_a_counted_run_only_adds_its_duration() {
    let log = line("PostStart", 1, Some("Succeeded"), "");
    let story = new(&live(&["postStart"])).status(2, &running(0, 1));
    let mut marks = counted(1);
    marks.saw_running(&web(), 1);
    let late = story.live(&log);
    assert_eq!(late.findings_after(&marks, 20).settled, []);
    let over = late.status(60, &with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &log));
    let findings = over.findings_after(&marks, 60);
    let [Finding::End { late_duration: Some(late), .. }] = &findings.settled[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(late.duration.middle().as_micros(), 4213, "its duration is the second fact");
    marks.advance(&web(), Slot::End, 1);
    assert_eq!(over.findings_after(&marks, 60).settled, []);
}

#[test]
fn a_hook_of_which_only_the_beginning_was_told_runs_since_then() {
    for (hook, kind) in [("postStart", HookKind::PostStart), ("preStop", HookKind::PreStop)] {
        let reported = line(&format!("{kind:?}"), 1, None, "");
        let story = new(&live(&[hook]));
        let story = if kind == HookKind::PreStop { story.status(1, &running(0, -60)) } else { story };
        let findings = story.live(&reported).findings(500);
        let [run] = &findings.running[..] else { panic!("{findings:?}") };
        assert_eq!((run.id.hook, run.outcome, run.source), (kind, Outcome::Running, Source::Runner));
        assert_eq!(run.start_time.unwrap().as_microsecond(), at(1).as_microsecond() + 500_000);
        assert!(!findings.complete && findings.settled.is_empty());
    }
}

#[test]
fn a_pre_stop_that_has_ended_runs_no_more_though_its_container_does() {
    let story = new(&live(&["preStop"])).stopping(2, 1, 30, &running(0, -60));
    assert_eq!(story.conclude(2).running, 1);
    assert_eq!(story.live(&line("PreStop", 1, Some("Succeeded"), "")).conclude(3), Conclusion::default());
}

#[test]
fn a_cancelled_hook_is_no_failure_and_the_end_that_follows_is_no_kill() {
    let reported = line("PostStart", 1, Some("Cancelled"), "") + &line("PreStop", 1, Some("Cancelled"), "");
    let story = new(&live(&["postStart", "preStop"]))
        .live(&line("PostStart", 1, Some("Cancelled"), ""))
        .event(2, "FailedPostStartHook", "PostStartHook failed")
        .event(2, "Killing", "FailedPostStartHook");
    assert_eq!(story.conclude(2).post_start, [Outcome::Cancelled]);
    let over = story.stopping(4, 1, 5, &with_log(ended(1, 3, 0, "Completed"), &reported));
    let expect = Conclusion {
        post_start: vec![Outcome::Cancelled],
        pre_stop: vec![Outcome::Cancelled],
        ..Conclusion::default()
    };
    assert_eq!(over.conclude(60), expect);
}

#[test]
fn a_run_belongs_to_the_instance_that_its_time_and_number_fit() {
    let restarted = |second: i64, execution: u32| {
        let reported = moved(&line("PostStart", execution, Some("Succeeded"), ""), second);
        let status = waiting(0, "CrashLoopBackOff", 1, 10, 1, "Error");
        let story = new(&live(&["postStart"])).status(11, &status).live(&reported);
        post_starts(&story.findings_after(&counted(1), 30)).iter().map(|run| run.0).collect::<Vec<_>>()
    };
    assert_eq!(restarted(25, 2), [2], "the next instance is not shown yet");
    assert_eq!(restarted(10, 2), [2], "it began in the second in which the one before ended");
    assert_eq!(restarted(10, 1), [0; 0], "it may be of either, and the number says that it is counted");
    assert_eq!(restarted(25, 3), [0; 0], "an instance is missing between them");
    assert_eq!(restarted(5, 2), [0; 0], "it was within the instance that is counted");
}

#[test]
fn a_report_sent_again_after_a_restart_is_no_run_of_the_next_instance() {
    let reported = line("PostStart", 1, Some("Succeeded"), "");
    let story = new(&live(&["postStart"]))
        .status(11, &waiting(0, "CrashLoopBackOff", 1, 10, 1, "Error"))
        .live(&reported)
        .status(30, &running(1, 29));
    assert_eq!(post_starts(&story.findings_after(&counted(1), 31)), []);
}

#[test]
fn while_an_instance_goes_on_no_other_number_than_its_own_is_taken_for_it() {
    let story = new(&live(&["postStart"])).status(2, &running(0, 1));
    let next = story.live(&moved(&line("PostStart", 2, Some("Failed"), "s"), 40));
    assert_eq!(post_starts(&next.findings_after(&counted(1), 41)), []);
}

#[test]
fn a_program_that_reports_for_a_hook_that_does_not_says_nothing() {
    let reported = line("PostStart", 1, Some("Failed"), "");
    let story = new(&recorded(&["postStart"], &[])).live(&reported).status(2, &running(0, 1));
    assert_eq!(story.conclude(12).post_start, [Outcome::Succeeded]);
}

#[test]
fn a_program_that_reports_for_its_own_hook_once_more_changes_nothing() {
    let reported = line("PostStart", 1, Some("Succeeded"), "");
    let lie = |second: i64| {
        let lie =
            line("PostStart", 1, Some("Failed"), "").replace(&format!("{:032x}", 1), &format!("{:032x}", 99));
        moved(&lie, second)
    };
    let story =
        new(&live(&["postStart"])).live(&reported).live(&lie(1)).live(&lie(3)).status(2, &running(0, 1));
    assert_eq!(story.conclude(4).post_start, [Outcome::Succeeded]);
    // Later the operator has forgotten what came live, and the program reports again.
    let story = new(&live(&["postStart"])).status(2, &running(0, 1)).live(&lie(3));
    let over = with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &reported);
    assert_eq!(story.status(60, &over).conclude(60).kills, [], "its log knows better");
}

#[test]
fn where_the_runner_writes_no_log_only_live_records_are_believed() {
    let command = json!([RUNNER_PATH, "run", "--live", "/.hooked/live", "--", "sh"]);
    let hooks = json!({"postStart": {"exec": {"command": command}}});
    let log = line("PostStart", 1, Some("Failed"), "");
    let over = with_log(ended(1, 60, 0, "Completed"), &log);
    let logged = new(&hooks).status(2, &running(0, 1)).status(60, &over);
    assert_eq!(logged.conclude(70).post_start, [Outcome::Succeeded], "the log is the program's own words");
    let reported = new(&hooks).live(&line("PostStart", 1, Some("Succeeded"), "")).status(60, &over);
    let [(1, Outcome::Succeeded, Source::Runner, Some(4213))] = post_starts(&reported.findings(61))[..]
    else {
        panic!("{:?}", reported.findings(61))
    };
}

#[test]
fn a_hung_hook_of_a_pod_that_is_gone_is_unknown_once() {
    let story = new(&live(&["postStart", "preStop"])).live(&line("PostStart", 1, None, ""));
    let story =
        story.event(1, "Started", "Started container web").stopping(2, 1, 1, &json!({"phase": "Pending"}));
    let findings = story.findings(100);
    let lost = findings.settled.iter().map(|finding| match finding {
        Finding::Lost { container, slot, first: 1, last: 1, .. } => (Arc::clone(container), *slot),
        other => panic!("{other:?}"),
    });
    assert_eq!(lost.collect::<Vec<_>>(), [(web(), Slot::PostStart), (web(), Slot::End)]);
}
