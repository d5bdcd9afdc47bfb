//! A runner that is killed takes its hook along and never leaves a success that was none.

use std::fs;
use std::process::Child;
use std::time::Instant;

use hooked_protocol::{Counts, Outcome, parse};

use crate::live::place_that_is_heard;
use crate::support::{Place, first_line, is_alive, until};

#[test]
fn a_killed_runner_takes_its_hook_along() {
    let place = Place::new();
    let mut child = place
        .run(&[], &["sh", "-c", "trap '' TERM HUP PIPE; echo $$; while :; do sleep 0.01; done"])
        .spawn()
        .unwrap();
    let hook: u32 = first_line(&mut child).parse().unwrap();
    assert!(is_alive(hook));
    child.kill().unwrap();
    child.wait().unwrap();
    until("the hook is gone", || !is_alive(hook));
    assert_eq!(place.record().ending, None);
    assert_eq!(place.state().numbering(1).counts.ended(), 0);
}

#[test]
fn a_runner_killed_at_any_moment_leaves_no_false_success() {
    no_false_success(&Place::new(), &[]);
}

#[test]
fn nor_does_one_that_was_about_to_tell_the_operator() {
    let (place, heard) = place_that_is_heard();
    no_false_success(&place, &["--live", "live"]);
    // On a busy machine none of those may have come so far; one that is left alone does, so the operator was there.
    place.run(&["--live", "live"], &["sleep", "0.1"]).spawn().unwrap().wait().unwrap();
    until("the operator is told", || heard.try_iter().any(|(_, ended)| ended.ending.is_some()));
}

/// Kills runners at all moments from before their start to after their end, as long as that takes on this machine.
fn no_false_success(place: &Place, options: &[&str]) {
    let alone = Instant::now();
    run(place, options, "0.002").wait().unwrap();
    let moments = alone.elapsed() * 2;
    let mut before = counts(place);
    for round in 0..400_u32 {
        let child = run(place, options, "0.002");
        // In no order; not to wait for anything.
        std::thread::sleep(moments * (round * 79 % 400) / 400);
        before = kill(place, child, &before);
    }
    // Whichever moments those were on a busy machine: one that is killed while its hook runs has begun, and one that is
    // left alone succeeds.
    let child = run(place, options, "1000");
    until("the hook runs", || fs::read_to_string(place.file("hook")).is_ok_and(|pid| pid.ends_with('\n')));
    let after = kill(place, child, &before);
    assert_eq!((after.started, after.succeeded), (before.started + 1, before.succeeded));
    run(place, options, "0.002").wait().unwrap();
    assert_eq!(counts(place).succeeded, before.succeeded + 1);
}

/// A runner whose hook takes so many seconds. The hook's success is there before the hook exits with 0, so no record
/// may be ahead of it.
fn run(place: &Place, options: &[&str], seconds: &str) -> Child {
    fs::write(place.file("log"), "").unwrap();
    let _ = fs::remove_file(place.file("finished"));
    let _ = fs::remove_file(place.file("hook"));
    let script = format!("echo $$ > hook; sleep {seconds}; : > finished");
    place.run(options, &["sh", "-c", &script]).spawn().unwrap()
}

fn counts(place: &Place) -> Counts {
    place.state().numbering(1).counts
}

/// Kills a runner and looks at what it leaves.
fn kill(place: &Place, mut child: Child, before: &Counts) -> Counts {
    child.kill().unwrap();
    child.wait().unwrap();
    if let Ok(Ok(hook)) = fs::read_to_string(place.file("hook")).map(|text| text.trim().parse()) {
        until("the hook is gone", || !is_alive(hook));
    }
    let finished = fs::exists(place.file("finished")).unwrap();
    let after = counts(place);
    assert!(after.started >= before.started && after.started - before.started <= 1, "a run is counted once");
    let is_new = after.succeeded != before.succeeded;
    assert!(after.succeeded >= before.succeeded && (finished || !is_new), "{before:?} {after:?}");
    for record in parse(&place.log()) {
        let success = record.ending.is_some_and(|ending| ending.outcome == Outcome::Succeeded);
        assert!(!success || finished, "{after:?}");
        assert_eq!(record.numbering.unwrap().execution, after.started);
    }
    after
}
