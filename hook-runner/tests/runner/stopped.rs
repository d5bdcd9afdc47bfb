//! The operator can have a hook stopped, and those that would start later in the Pod.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hooked_protocol::{Earlier, Exit, FromOperator, Outcome};

use crate::live::{place_with, run};
use crate::operator::PROOF;
use crate::policy::STUBBORN;
use crate::support::{Place, first_line, is_alive, signal};

/// A place with an operator that says stop to whoever comes once there is a file of this name in it.
fn place_that_is_stopped(once: &'static str) -> Place {
    let where_it_is = Arc::new(OnceLock::<PathBuf>::new());
    let known = Arc::clone(&where_it_is);
    let place = place_with(move |mut conversation| {
        conversation.hello()?;
        if known.wait().join(once).exists() {
            conversation.say(&FromOperator::Stop)?;
        }
        conversation.say(&FromOperator::Welcome { proof: PROOF })?;
        conversation.ended()?;
        conversation.say(&FromOperator::Taken)
    });
    where_it_is.set(place.path.clone()).unwrap();
    place
}

#[test]
fn all_processes_of_a_stopped_hook_end_wherever_they_went() {
    let place = place_that_is_stopped("processes");
    let child = run(&place, &["--hook", "PostStart"], STUBBORN).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let processes = place.processes("processes", 1);
    let alive: Vec<_> = processes.iter().filter(|process| is_alive(**process)).collect();
    assert!(alive.is_empty(), "still alive: {alive:?}");
    assert_eq!(output.status.code(), Some(137));
    let ending = place.ending();
    assert_eq!(
        (ending.outcome, ending.exit, ending.attempts),
        (Outcome::Cancelled, Some(Exit::Signal(9)), 1)
    );
    assert_eq!(ending.message, "stopped by the operator: the Pod is to go");
    assert!(place.file("records/cancelled").exists());
}

#[test]
fn a_stopped_hook_never_exits_with_0_unless_its_failure_is_ignored() {
    let loops = "echo > ready; while :; do sleep 0.01; done";
    for (options, trap, code, exit) in [
        (&[][..], "", 143, Exit::Signal(15)),
        (&[], "trap 'exit 5' TERM;", 5, Exit::Code(5)),
        (&[], "trap 'exit 0' TERM;", 143, Exit::Code(0)),
        (&["--ignore-failure"], "trap 'exit 5' TERM;", 0, Exit::Code(5)),
        // No further attempt, though there were some left.
        (&["--retries", "9", "--retry-delay", "0"], "trap 'exit 5' TERM;", 5, Exit::Code(5)),
        (&["--timeout", "1000"], "", 143, Exit::Signal(15)),
    ] {
        let place = place_that_is_stopped("ready");
        let options = [options, &["--hook", "PostStart"]].concat();
        let output = run(&place, &options, &format!("{trap} {loops}")).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{options:?} {trap}");
        let ending = place.ending();
        assert_eq!((ending.outcome, ending.exit, ending.attempts), (Outcome::Cancelled, Some(exit), 1));
    }
}

#[test]
fn a_hook_that_is_stopped_between_two_attempts_is_not_tried_again() {
    let place = place_that_is_stopped("attempts");
    let options = ["--hook", "PostStart", "--retries", "5", "--retry-delay", "1000"];
    let output = run(&place, &options, "echo x >> attempts; exit 6").output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    let ending = place.ending();
    assert_eq!((ending.outcome, ending.attempts), (Outcome::Cancelled, 1));
    assert_eq!(fs::read_to_string(place.file("attempts")).unwrap(), "x\n");
}

#[test]
fn it_is_marked_before_the_hook_has_ended_that_the_pod_is_to_go() {
    let place = place_that_is_stopped("ready");
    let script = "trap 'test -e records/cancelled && exit 44; exit 55' TERM; echo > ready; while :; do sleep 0.01; done";
    let output = run(&place, &["--hook", "PostStart"], script).output().unwrap();
    assert_eq!(output.status.code(), Some(44));
}

#[test]
fn after_a_stop_no_post_start_hook_of_the_pod_is_begun() {
    let place = place_that_is_stopped("ready");
    run(&place, &["--hook", "PostStart"], "echo > ready; sleep 1000").output().unwrap();
    for (options, code) in [(&[][..], 143), (&["--ignore-failure"], 0)] {
        fs::write(place.file("log"), "").unwrap();
        let options = [&["--hook", "PostStart", "--container", "sidecar"], options].concat();
        let began = Instant::now();
        let output = run(&place, &options, "echo > ran").output().unwrap();
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(output.status.code(), Some(code));
        assert!(!place.file("ran").exists());
        let ending = place.ending();
        assert_eq!((ending.outcome, ending.exit, ending.attempts), (Outcome::Cancelled, None, 0));
        assert_eq!(ending.duration, 0);
    }
    assert_eq!(place.state_of("sidecar.PostStart").latest(), Some(Earlier::Ended(Outcome::Cancelled)));
}

#[test]
fn after_a_stop_only_containers_that_had_started_properly_are_stopped_properly() {
    let place = place_that_is_stopped("ready");
    let before = place.run(&["--hook", "PostStart", "--container", "proper"], &["true"]).status();
    assert!(before.unwrap().success());
    run(&place, &["--hook", "PostStart", "--container", "hung"], "echo > ready; sleep 1000")
        .output()
        .unwrap();
    for (container, code) in [("hung", 143), ("proper", 3), ("without-post-start", 3)] {
        fs::write(place.file("log"), "").unwrap();
        let output = place.run(&["--container", container], &["sh", "-c", "exit 3"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{container}");
        let expected = if code == 143 { (Outcome::Cancelled, 0) } else { (Outcome::Failed, 1) };
        let ending = place.ending();
        assert_eq!((ending.outcome, ending.attempts), expected, "{container}");
    }
}

#[test]
fn a_pre_stop_hook_is_not_stopped_and_bars_no_other() {
    let place = place_that_is_stopped("ready");
    assert_eq!(run(&place, &[], "echo > ready; sleep 0.3; exit 3").status().unwrap().code(), Some(3));
    assert_eq!(place.ending().outcome, Outcome::Failed);
    assert!(!place.file("records/cancelled").exists());
}

#[test]
fn a_post_start_hook_that_was_asked_to_end_by_a_signal_bars_no_other() {
    let place = Place::new();
    let script = ["sh", "-c", "echo ready; sleep 1000"];
    let mut child = place.run(&["--hook", "PostStart"], &script).spawn().unwrap();
    first_line(&mut child);
    signal(child.id(), 15);
    child.wait().unwrap();
    assert_eq!(place.ending().outcome, Outcome::Failed);
    fs::write(place.file("log"), "").unwrap();
    assert_eq!(place.script(&[], "exit 3").status.code(), Some(3));
}
