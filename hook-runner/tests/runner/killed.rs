//! A runner that is killed takes its hook along and never leaves a success that was none.

use std::fs;
use std::time::Duration;

use hooked_protocol::{Outcome, parse};

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

fn no_false_success(place: &Place, options: &[&str]) {
    let (mut begun, mut succeeded) = (0, 0);
    for round in 0..400_u64 {
        fs::write(place.file("log"), "").unwrap();
        let _ = fs::remove_file(place.file("finished"));
        let _ = fs::remove_file(place.file("hook"));
        // The hook's success is there before it exits with 0, so no record may be ahead of it.
        let script = "echo $$ > hook; sleep 0.002; : > finished";
        let mut child = place.run(options, &["sh", "-c", script]).spawn().unwrap();
        // All moments from before its start to after its end, in no order; not to wait for anything.
        std::thread::sleep(Duration::from_micros(round * 7919 % 12_000));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(Ok(hook)) = fs::read_to_string(place.file("hook")).map(|text| text.trim().parse()) {
            until("the hook is gone", || !is_alive(hook));
        }
        let finished = fs::exists(place.file("finished")).unwrap();
        let counts = place.state().numbering(1).counts;
        assert!(counts.started >= begun && counts.started - begun <= 1, "a run is counted once");
        assert!(
            counts.succeeded >= succeeded && (finished || counts.succeeded == succeeded),
            "round {round}: {counts:?}"
        );
        for record in parse(&place.log()) {
            let success = record.ending.is_some_and(|ending| ending.outcome == Outcome::Succeeded);
            assert!(!success || finished, "round {round}");
            assert_eq!(record.numbering.unwrap().execution, counts.started);
        }
        (begun, succeeded) = (counts.started, counts.succeeded);
    }
    // Otherwise the moments were not the right ones.
    assert!(succeeded > 0 && begun > succeeded, "{succeeded} of {begun}");
}
