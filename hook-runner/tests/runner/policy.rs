//! Timeout, retries, failures that do not count, and what is kept of the output.

use std::time::{Duration, Instant};

use hooked_protocol::{Exit, Outcome};

use crate::support::{Place, first_line, is_alive, signal};

/// A process that cannot be asked, in a session of its own, whose parent is gone, and one of each alone.
pub(crate) const STUBBORN: &str = "echo $$ >> processes; trap '' TERM HUP
    sh -c 'echo $$ >> processes; while :; do sleep 1000; done' &
    setsid sh -c 'trap \"\" TERM; echo $$ >> processes; while :; do sleep 1000; done' &
    (setsid sh -c 'echo $$ >> processes; sleep 1000; :' & )
    (sh -c '(trap \"\" TERM; sh -c \"echo \\$\\$ >> processes; sleep 1000; sleep 1000\") & exit' & )
    while :; do sleep 1000; done";

#[test]
fn at_the_timeout_all_processes_end_wherever_they_went() {
    let place = Place::new();
    let began = Instant::now();
    let output = place.script(&["--timeout", "1"], STUBBORN);
    let took = began.elapsed();
    let processes = place.processes("processes", 5);
    let alive: Vec<_> = processes.iter().filter(|process| is_alive(**process)).collect();
    assert!(alive.is_empty(), "still alive: {alive:?}");
    assert_eq!(output.status.code(), Some(137));
    // A second to the timeout, a second from SIGTERM to SIGKILL.
    assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&took), "{took:?}");
    let ending = place.ending();
    assert_eq!((ending.outcome, ending.exit), (Outcome::TimedOut, Some(Exit::Signal(9))));
    assert_eq!(ending.message, "timed out after 1 s");
}

#[test]
fn whoever_ends_when_asked_at_the_timeout_is_not_waited_for() {
    for (script, code, exit) in [
        ("while :; do sleep 1000; done", 143, Exit::Signal(15)),
        ("trap 'exit 5' TERM; while :; do sleep 0.01; done", 5, Exit::Code(5)),
        // It did not succeed by itself, so 0 would be a lie.
        ("trap 'exit 0' TERM; while :; do sleep 0.01; done", 124, Exit::Code(0)),
    ] {
        let place = Place::new();
        let began = Instant::now();
        assert_eq!(place.script(&["--timeout", "1"], script).status.code(), Some(code), "{script}");
        assert!(began.elapsed() < Duration::from_millis(1900));
        let ending = place.ending();
        assert_eq!((ending.outcome, ending.exit), (Outcome::TimedOut, Some(exit)));
    }
}

#[test]
fn a_failure_is_tried_again_as_often_as_the_policy_says() {
    // The hook succeeds in its third attempt.
    let script = "echo x >> attempts; test $(wc -l < attempts) -ge 3";
    for (retries, code, attempts) in [("0", 1, 1), ("1", 1, 2), ("2", 0, 3), ("9", 0, 3)] {
        let place = Place::new();
        let output = place.script(&["--retries", retries, "--retry-delay", "0"], script);
        assert_eq!(output.status.code(), Some(code));
        let record = place.record();
        assert_eq!(record.numbering.unwrap().counts.started, 1, "attempts are one run");
        assert_eq!(record.ending.unwrap().attempts, attempts);
    }
}

#[test]
fn a_timeout_holds_for_each_attempt() {
    let place = Place::new();
    let script = "echo x >> attempts; test $(wc -l < attempts) -ge 2 || sleep 1000";
    let output = place.script(&["--timeout", "1", "--retries", "1", "--retry-delay", "0"], script);
    assert_eq!(output.status.code(), Some(0));
    let ending = place.ending();
    assert_eq!((ending.outcome, ending.attempts), (Outcome::Succeeded, 2));
    assert!((1_000_000..2_000_000).contains(&ending.duration), "{}", ending.duration);
}

#[test]
fn a_runner_that_is_asked_to_end_between_attempts_ends() {
    let place = Place::new();
    let mut child = place
        .run(&["--retries", "1", "--retry-delay", "1000"], &["sh", "-c", "echo ready; exit 3"])
        .spawn()
        .unwrap();
    assert_eq!(first_line(&mut child), "ready");
    signal(child.id(), 15);
    // It may have come before the hook's own exit, and ended it.
    assert!([3, 143].contains(&child.wait().unwrap().code().unwrap()));
    let ending = place.ending();
    assert_eq!((ending.outcome, ending.attempts), (Outcome::Failed, 1));
    assert!(ending.message.ends_with(", asked to end by signal 15"), "{}", ending.message);
}

#[test]
fn a_failure_that_is_ignored_is_recorded() {
    for (hook, exit) in [
        (["sh", "-c", "exit 3"], Exit::Code(3)),
        (["sh", "-c", "kill -9 $$"], Exit::Signal(9)),
        (["no-such-command", "", ""], Exit::Code(127)),
    ] {
        let place = Place::new();
        assert_eq!(place.run(&["--ignore-failure"], &hook).status().unwrap().code(), Some(0));
        let ending = place.ending();
        assert_eq!((ending.outcome, ending.exit), (Outcome::Failed, Some(exit)));
    }
}

#[test]
fn the_last_bytes_of_the_output_are_kept_as_many_as_asked_for() {
    for (bytes, script, kept) in [
        ("0", "echo secret", ""),
        ("5", "echo 0123456789", "6789\n"),
        ("100", "echo out; sleep 0.1; echo err >&2", "out\nerr\n"),
        ("5", "printf 'aaaa\\303\\251'", "aaa\u{e9}"),
        ("6", "printf '\\377\\376x'", "\u{fffd}x"),
        (
            "9999",
            "seq -w 1 1000",
            &(801..=1000).fold(String::new(), |text, number| format!("{text}{number:04}\n")),
        ),
    ] {
        let place = Place::new();
        assert!(place.script(&["--output-bytes", bytes], script).status.success());
        let output = place.ending().output;
        assert!(kept.ends_with(&output) || output.ends_with(kept), "{script}: {output:?}");
        assert_eq!(output.is_empty(), kept.is_empty());
        assert!(output.len() <= bytes.parse().unwrap());
    }
}

#[test]
fn a_runner_that_is_told_nonsense_says_so() {
    for options in [&["--color", "blue"][..], &["--timeout", "soon"], &["--retries"], &["--hook", "PostStop"]]
    {
        let output = Place::new().run(options, &["true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{options:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("hook-runner: "));
    }
}
