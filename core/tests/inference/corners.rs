//! The corners of what a kubelet shows: what is cut off and not killed, what is killed and not by memory, and what a
//! restart of kubelet, runtime or node leaves of a run. The public cases bear their names.

use hooked_core::accounting::ledger::{Counted, Ledger, fold};
use hooked_core::lifecycle::{Finding, HookRun, PodEvidence};
use hooked_crd::{KillReason, Outcome, Source};
use serde_json::{Value, json};

use crate::fixtures::{Conclusion, Story, at, both, ended, exec, running, waiting};
use crate::live::live;
use crate::records::{line, line_at, recorded, with_log};

/// The last preStop run, and the kill if there is one.
fn end_of(story: &Story, second: i64) -> (HookRun, Option<KillReason>) {
    let findings = story.findings(second);
    let mut ends = findings.settled.iter().filter_map(|finding| match finding {
        Finding::End { pre_stop: Some(run), kill, .. } => {
            Some((run.clone(), kill.as_ref().map(|kill| kill.reason)))
        }
        _ => None,
    });
    ends.next_back().unwrap_or_else(|| panic!("{findings:?}"))
}

/// A container `web` whose preStop under the runner began half a second after the stop in second 0 and has no end.
/// Its program ends in second `finished` with `code`.
fn check_cut_off(grace: i64, finished: i64, code: i32, outcome: Outcome, kill: Option<KillReason>) {
    let log = line_at("PreStop", 1, 500_000, None, "");
    let over = with_log(ended(-10, finished, code, "Completed"), &log);
    let hooks = || Story::with_hooks(&recorded(&["preStop"], &[]));
    let stayed = hooks().stopping(0, 0, grace, &running(0, -10)).stopping(finished + 1, finished, 0, &over);
    let told = |story: Story| story.event(0, "Killing", "Stopping container web");
    let both =
        told(hooks().stopping(0, 0, grace, &running(0, -10)).stopping(finished + 1, finished, 0, &over));
    for (how, story) in [("watched", stayed), ("watched, with its Event", both)] {
        let (run, killed) = end_of(&story, 60);
        assert_eq!(
            (run.outcome, killed),
            (outcome, kill),
            "{how}: grace {grace}, {code} in second {finished}"
        );
        if outcome == Outcome::TimedOut {
            assert_eq!(run.source, Source::Runner, "{how}");
        }
    }
}

#[test]
fn case_04_a_hook_longer_than_the_grace_timed_out_whatever_the_exit_status() {
    let in_hook = Some(KillReason::GracePeriodExceededInPreStop);
    check_cut_off(6, 6, 0, Outcome::TimedOut, None);
    check_cut_off(6, 8, 0, Outcome::TimedOut, None);
    check_cut_off(6, 6, 143, Outcome::TimedOut, None);
    check_cut_off(6, 6, 3, Outcome::TimedOut, None);
    check_cut_off(6, 8, 137, Outcome::TimedOut, in_hook);
    // Its program ended in time, by itself, and took the hook along.
    check_cut_off(6, 4, 0, Outcome::Unknown, None);
    check_cut_off(30, 12, 137, Outcome::Unknown, None);
}

#[test]
fn case_04_at_grace_0_the_kubelet_gives_a_second_and_cuts_off() {
    let log = line_at("PreStop", 1, 500_000, None, "");
    let check = |code: i32, kill: Option<KillReason>| {
        let over = with_log(ended(-10, 1, code, "Completed"), &log);
        let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(0, 0, 0, &running(0, -10));
        let (run, killed) = end_of(&story.stopping(2, 1, 0, &over), 60);
        assert_eq!((run.outcome, run.source, killed), (Outcome::TimedOut, Source::Runner, kill), "{code}");
    };
    check(0, None);
    check(143, None);
    check(137, Some(KillReason::ForceDeleted));
}

#[test]
fn case_04_observed_a_failure_told_at_the_deadline_is_no_failure() {
    let check = |reported: i64, finished: i64, code: i32, outcome: Outcome, kill: Option<KillReason>| {
        let story = Story::with_hooks(&exec("preStop"))
            .stopping(0, 0, 6, &running(0, -10))
            .event(0, "Killing", "Stopping container web")
            .event(reported, "FailedPreStopHook", "PreStopHook failed")
            .stopping(9, 8, 0, &ended(-10, finished, code, "Completed"));
        let (run, killed) = end_of(&story, 60);
        assert_eq!((run.outcome, run.source), (outcome, Source::Kubelet), "{reported} {finished} {code}");
        assert_eq!(killed, kill, "{reported} {finished} {code}");
    };
    check(6, 6, 0, Outcome::TimedOut, None);
    check(6, 7, 0, Outcome::TimedOut, None);
    check(8, 8, 137, Outcome::TimedOut, Some(KillReason::GracePeriodExceededInPreStop));
    check(5, 6, 0, Outcome::Failed, Some(KillReason::PreStopHookFailed));
    check(6, 5, 0, Outcome::Unknown, None);
}

/// A probe of that kind, with a grace of its own, stops the container in second 100, and the program ends with 0.
fn check_probe(probe: &str, words: Option<&str>, finished: i64, outcome: Outcome, kill: KillReason) {
    let log = line_at("PreStop", 1, 100_500_000, None, "");
    let mut status = with_log(waiting(0, "CrashLoopBackOff", 0, finished, 0, "Completed"), &log);
    status["conditions"] =
        json!([{"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": at(-1)}]);
    let story = Story::with_hooks(&recorded(&["preStop"], &[])).with_probe(probe, Some(5));
    let story = story.status(1, &running(0, 0)).status(130, &status);
    let story = match words {
        Some(words) => {
            story.event(100, "Killing", &format!("Container web failed {words} probe, will be restarted"))
        }
        None => story,
    };
    let (run, killed) = end_of(&story, 200);
    assert_eq!((run.outcome, killed), (outcome, Some(kill)), "{probe} {words:?} {finished}");
}

#[test]
fn case_04_a_hook_longer_than_a_probes_own_grace_timed_out() {
    let (liveness, startup) = (KillReason::LivenessProbeFailed, KillReason::StartupProbeFailed);
    check_probe("livenessProbe", Some("liveness"), 105, Outcome::TimedOut, liveness);
    check_probe("livenessProbe", Some("liveness"), 107, Outcome::TimedOut, liveness);
    check_probe("livenessProbe", Some("liveness"), 104, Outcome::Unknown, liveness);
    check_probe("startupProbe", Some("startup"), 105, Outcome::TimedOut, startup);
    // The Event was lost.
    check_probe("livenessProbe", None, 105, Outcome::TimedOut, liveness);
    check_probe("livenessProbe", None, 102, Outcome::Unknown, liveness);
}

#[test]
fn observed_a_hook_longer_than_a_probes_own_grace_timed_out() {
    let check = |reported: i64, outcome: Outcome| {
        let story = Story::with_hooks(&exec("preStop"))
            .with_probe("livenessProbe", Some(5))
            .event(100, "Killing", "Container web failed liveness probe, will be restarted")
            .event(reported, "FailedPreStopHook", "PreStopHook failed")
            .status(130, &waiting(0, "CrashLoopBackOff", 0, 105, 0, "Completed"));
        let (run, kill) = end_of(&story, 200);
        assert_eq!((run.outcome, kill), (outcome, Some(KillReason::LivenessProbeFailed)), "{reported}");
    };
    check(105, Outcome::TimedOut);
    check(102, Outcome::Failed);
}

#[test]
fn a_deadline_that_a_later_deletion_shortened_is_none_for_a_hook_before_it() {
    // The hook began in second 0 under a grace of 30 s that nobody has seen; the deletion in second 10 has 2 s.
    let log = line_at("PreStop", 1, 500_000, None, "");
    let check = |finished: i64, outcome: Outcome| {
        let over = with_log(ended(-10, finished, 0, "Completed"), &log);
        let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(10, 10, 2, &running(0, -10));
        let (run, kill) = end_of(&story.stopping(finished + 1, finished, 0, &over), 100);
        assert_eq!((run.outcome, kill), (outcome, None), "{finished}");
    };
    check(13, Outcome::Unknown);
    check(20, Outcome::Unknown);
    check(30, Outcome::TimedOut);
    // A deletion that is seen when it begins, with a grace shorter than the spec's, is the one in force, yet an end
    // long after it is none by it.
    check_cut_off(6, 20, 0, Outcome::Unknown, None);
}

#[test]
fn a_kubelet_that_was_late_to_begin_is_late_to_cut_off() {
    // Deleted in second 0 with 30 s; the node could not be reached until second 40.
    let log = line_at("PreStop", 1, 40_500_000, None, "");
    let check = |finished: i64, outcome: Outcome| {
        let over = with_log(ended(-10, finished, 0, "Completed"), &log);
        let story = Story::with_hooks(&recorded(&["preStop"], &[])).stopping(0, 0, 30, &running(0, -10));
        let (run, _) = end_of(&story.stopping(finished + 1, finished, 0, &over), 200);
        assert_eq!(run.outcome, outcome, "{finished}");
    };
    check(50, Outcome::Unknown);
    check(70, Outcome::TimedOut);
}

/// A container in which memory ran out for some process, and which ends with `code` when it is deleted.
fn check_memory(
    story: Story,
    finished: i64,
    code: i32,
    log: &str,
    expect: (Outcome, Option<KillReason>),
) -> HookRun {
    let over = with_log(ended(-100, finished, code, "OOMKilled"), log);
    let story = story.stopping(10, 10, 30, &running(0, -100)).stopping(finished + 1, finished, 0, &over);
    let (run, kill) = end_of(&story, 100);
    assert_eq!((run.outcome, kill), expect, "{code} {log}");
    run
}

#[test]
fn case_05_a_child_out_of_memory_is_no_kill_of_its_container() {
    let well = line("PreStop", 1, Some("Succeeded"), "");
    let hooked = || Story::with_hooks(&recorded(&["preStop"], &[]));
    check_memory(hooked(), 11, 0, &well, (Outcome::Succeeded, None));
    check_memory(hooked(), 11, 143, &well, (Outcome::Succeeded, None));
    check_memory(hooked(), 11, 137, &well, (Outcome::Succeeded, Some(KillReason::OomKilled)));
    // The grace period is over, and the program is deaf: that a child ran out of memory before is not why it ended.
    check_memory(hooked(), 41, 137, &well, (Outcome::Succeeded, Some(KillReason::GracePeriodExceeded)));
    let observed = Story::with_hooks(&exec("preStop")).event(10, "Killing", "Stopping container web");
    let run = check_memory(observed, 11, 0, "", (Outcome::Unknown, None));
    assert!(run.message.ends_with("memory ran out for a process of the container"), "{}", run.message);
    // By itself, and nobody stopped it.
    let alone =
        Story::with_hooks(&exec("preStop")).status(5, &waiting(0, "CrashLoopBackOff", 1, 4, 1, "OOMKilled"));
    assert_eq!(alone.conclude(15), Conclusion { pre_stop: vec![Outcome::Skipped], ..Conclusion::default() });
}

#[test]
fn case_05_a_hook_out_of_memory_has_failed() {
    let failed = line("PreStop", 1, Some("Failed"), "");
    let killed = failed.replace("\"exit\":3", "\"signal\":9");
    assert_ne!(failed, killed, "the record's words are others by now");
    let hooked = || Story::with_hooks(&recorded(&["preStop"], &[]));
    let expect = (Outcome::Failed, Some(KillReason::PreStopHookFailed));
    let run = check_memory(hooked(), 11, 0, &killed, expect);
    assert!(run.message.ends_with("memory ran out for a process of the container"), "{}", run.message);
    check_memory(hooked(), 11, 137, &killed, expect);
    let observed = Story::with_hooks(&exec("preStop")).event(10, "Killing", "Stopping container web").event(
        11,
        "FailedPreStopHook",
        "PreStopHook failed",
    );
    check_memory(observed, 11, 0, "", expect);
    // A failed postStart is the first cause too.
    let log = line("PostStart", 1, Some("Failed"), "").replace("\"exit\":3", "\"signal\":9");
    let status = with_log(waiting(0, "PostStartHookError", 1, 4, 0, "OOMKilled"), &log);
    let story = Story::with_hooks(&recorded(&["postStart"], &[])).status(5, &status);
    let expect = Conclusion {
        post_start: vec![Outcome::Failed],
        kills: vec![KillReason::PostStartHookFailed],
        ..Conclusion::default()
    };
    assert_eq!(story.conclude(15), expect);
}

#[test]
fn h3_running_after_a_restart_of_the_kubelet_proves_no_end_of_a_post_start() {
    let begun = line("PostStart", 1, None, "");
    let shown = || Story::with_hooks(&live(&["postStart"])).live(&begun).status(3, &running(0, 1));
    assert_eq!(shown().conclude(500), Conclusion::default(), "the record may come");
    let told = shown().live(&line("PostStart", 1, Some("Succeeded"), ""));
    assert_eq!(told.conclude(4).post_start, [Outcome::Succeeded]);
    let over = with_log(waiting(0, "CrashLoopBackOff", 1, 60, 1, "Error"), &begun);
    let expect = Conclusion { post_start: vec![Outcome::Unknown], ..Conclusion::default() };
    assert_eq!(shown().status(61, &over).conclude(80), expect, "its log has no end either");
    // The next instance is there before anybody has seen the end of the first.
    let again = shown().status(70, &running(1, 65));
    assert_eq!(again.conclude(71).post_start, [Outcome::Unknown]);
}

#[test]
fn h4_a_container_found_dead_after_a_reboot_has_an_end_made_up() {
    let dead = |mut status: Value| {
        for state in ["state", "lastState"] {
            if status["containerStatuses"][0][state]["terminated"].is_object() {
                status["containerStatuses"][0][state]["terminated"]["containerID"] = json!("containerd://a");
            }
        }
        status
    };
    let expect = |post_start: &[Outcome]| Conclusion {
        post_start: post_start.to_vec(),
        pre_stop: vec![Outcome::Unknown],
        kills: vec![KillReason::Unknown],
        ..Conclusion::default()
    };
    let back = dead(waiting(0, "CrashLoopBackOff", 1, 90, 255, "Unknown"));
    let ran = Story::with_hooks(&both()).status(2, &running(0, 1)).status(91, &back);
    assert_eq!(ran.conclude(110), expect(&[Outcome::Succeeded]));
    // The Pod was being stopped, and its hook ran, when the node went down.
    let log = line_at("PreStop", 1, 10_500_000, None, "");
    let over = dead(with_log(ended(1, 90, 255, "Unknown"), &log));
    let stopped = Story::with_hooks(&recorded(&["preStop"], &[]))
        .stopping(10, 10, 30, &running(0, 1))
        .stopping(91, 10, 30, &over);
    assert_eq!(stopped.conclude(110), expect(&[]), "the time of the end is that of its finding");
    // A program may exit with 255 by itself.
    let by_itself =
        Story::with_hooks(&exec("preStop")).status(91, &waiting(0, "CrashLoopBackOff", 1, 90, 255, "Error"));
    assert_eq!(
        by_itself.conclude(110),
        Conclusion { pre_stop: vec![Outcome::Skipped], ..Conclusion::default() }
    );
}

#[test]
fn h5_a_pre_stop_that_the_kubelet_runs_twice_is_two_runs() {
    // The kubelet was restarted in second 12, and gives the full grace period again.
    let first = line_at("PreStop", 1, 10_500_000, None, "");
    let check =
        |second: &str, finished: i64, code: i32, expect: &[(u32, Outcome)], kill: Option<KillReason>| {
            let over = with_log(ended(-10, finished, code, "Completed"), &(first.clone() + second));
            let story = Story::with_hooks(&recorded(&["preStop"], &[]))
                .event(10, "Killing", "Stopping container web")
                .event(13, "Killing", "Stopping container web")
                .stopping(10, 10, 6, &running(0, -10))
                .stopping(finished + 1, finished, 0, &over);
            let findings = story.findings(60);
            let (mut ledger, pod) = (Ledger::default(), PodEvidence::default());
            for _ in 0..2 {
                fold(&mut ledger, 1, &pod, findings.settled.clone(), &mut Counted::default());
            }
            assert_eq!(ledger.runs.values().sum::<u64>(), 2, "each once");
            let [Finding::End { pre_stops_before, pre_stop: Some(run), kill: killed, .. }] =
                &findings.settled[..]
            else {
                panic!("{findings:?}")
            };
            let runs = pre_stops_before.iter().chain([run]);
            let runs: Vec<_> = runs.map(|run| (run.id.execution, run.outcome)).collect();
            assert_eq!(runs, expect);
            assert_eq!(killed.as_ref().map(|kill| kill.reason), kill);
        };
    let ended_well = line_at("PreStop", 2, 13_500_000, Some("Succeeded"), "o");
    check(&ended_well, 15, 0, &[(1, Outcome::Unknown), (2, Outcome::Succeeded)], None);
    let cut_off = line_at("PreStop", 2, 13_500_000, None, "o");
    check(&cut_off, 19, 0, &[(1, Outcome::Unknown), (2, Outcome::TimedOut)], None);
    // In second 17 the first period would have been over.
    check(&cut_off, 17, 0, &[(1, Outcome::Unknown), (2, Outcome::Unknown)], None);
}

#[test]
fn a_restart_that_the_spec_asks_for_has_a_reason_of_its_own() {
    let log = line("PreStop", 1, Some("Succeeded"), "");
    let mut status = with_log(waiting(0, "CrashLoopBackOff", 0, 12, 0, "Completed"), &log);
    status["conditions"] =
        json!([{"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": at(-1)}]);
    let hooked = || Story::with_hooks(&recorded(&["preStop"], &[])).status(1, &running(0, 0));
    let told = |words: &str| hooked().event(10, "Killing", words).status(20, &status);
    for words in [
        "Container web definition changed, will be restarted",
        "Container web resize requires restart, will be restarted",
    ] {
        assert_eq!(told(words).conclude(60).kills, [KillReason::SpecChanged], "{words}");
        let probed = hooked().with_liveness_probe().event(10, "Killing", words).status(20, &status);
        assert_eq!(probed.conclude(60).kills, [KillReason::SpecChanged], "{words}");
    }
    // The Event was lost; the Pod was changed, and nothing else can have stopped its container.
    assert_eq!(hooked().changed().status(20, &status).conclude(60).kills, [KillReason::SpecChanged]);
    assert_eq!(hooked().status(20, &status).conclude(60).kills, [KillReason::Unknown]);
    // Another container's end restarts all of them, without their hooks.
    let all = Story::with_hooks(&exec("preStop")).status(1, &running(0, 0));
    let expect = Conclusion {
        pre_stop: vec![Outcome::Skipped],
        kills: vec![KillReason::RestartAllContainers],
        ..Conclusion::default()
    };
    let ended = waiting(0, "CrashLoopBackOff", 0, 12, 143, "Error");
    assert_eq!(all.event(10, "Killing", "killing").status(20, &ended).conclude(60), expect);
    let removed = json!({"phase": "Running", "containerStatuses": [{
        "name": "web", "restartCount": 1,
        "state": {"terminated": {"exitCode": 137, "reason": "RestartingAllContainers"}},
    }]});
    let all = Story::with_hooks(&exec("preStop")).status(1, &running(0, 0)).status(20, &removed);
    assert_eq!(all.conclude(60), expect);
}
