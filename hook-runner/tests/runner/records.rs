//! What is written down: before, after, over many runs, and next to what the program itself writes.

use std::fs::{self, OpenOptions};
use std::io::Write;

use hooked_protocol::{Counts, Earlier, Hook, Outcome, parse};

use crate::support::{Place, first_line};

#[test]
fn a_hook_is_on_record_before_it_starts() {
    let place = Place::new();
    let output = place.script(&[], "cat log records/web.PreStop");
    let seen = String::from_utf8(output.stdout).unwrap();
    let [started] = parse(&seen).try_into().unwrap();
    assert_eq!(started.ending, None);
    assert!(seen.contains("\nhooked.dev/state/v1 1 0 0 0 0 o "), "{seen}");
    let ended = place.record();
    assert_eq!((started.run, started.start, started.hook), (ended.run, ended.start, Hook::PreStop));
    assert_eq!(ended.ending.unwrap().outcome, Outcome::Succeeded);
}

#[test]
fn one_record_tells_of_all_runs_before_it() {
    let place = Place::new();
    for script in ["exit 0", "exit 1", "kill -9 $PPID; sleep 10", "sleep 10", "exit 0"] {
        // Each instance of a container has a log of its own.
        fs::write(place.file("log"), "").unwrap();
        place.script(&["--timeout", "1"], script);
    }
    let numbering = place.record().numbering.unwrap();
    assert_eq!(numbering.execution, 5);
    assert_eq!(numbering.counts, Counts { started: 5, succeeded: 2, failed: 1, timed_out: 1, cancelled: 0 });
    let past: Vec<_> = numbering.past.before(5).map(|(_, earlier)| earlier).collect();
    let ended = Earlier::Ended;
    assert_eq!(
        past,
        [ended(Outcome::Succeeded), ended(Outcome::Failed), Earlier::Open, ended(Outcome::TimedOut)]
    );
}

#[test]
fn hooks_that_run_at_once_do_not_disturb_each_other() {
    let place = Place::new();
    let begin = |hook: &str, container: &str| {
        place
            .run(&["--hook", hook, "--container", container], &["sh", "-c", "echo; read go"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut children = Vec::new();
    for _ in 0..4 {
        for (hook, container) in [("PreStop", "web"), ("PostStart", "web"), ("PreStop", "sidecar")] {
            children.push(begin(hook, container));
        }
    }
    for child in &mut children {
        first_line(child);
    }
    let counts = || {
        ["web.PreStop", "web.PostStart", "sidecar.PreStop"]
            .map(|file| fs::read_to_string(place.file("records").join(file)).unwrap().trim_end().to_owned())
    };
    assert_eq!(counts(), ["hooked.dev/state/v1 4 0 0 0 0 oooo"; 3]);
    // All at once, by the end of their input.
    for child in &mut children {
        drop(child.stdin.take());
    }
    for mut child in children {
        child.wait().unwrap();
    }
    assert_eq!(counts(), ["hooked.dev/state/v1 4 0 4 0 0 ffff"; 3]);
}

#[test]
fn the_log_stays_within_its_budget_and_keeps_what_the_program_wrote() {
    for budget in [0, 1, 150, 250, 300, 512, 877, 1024, 4096] {
        for words in ["", "done\n", "done", &"x".repeat(200), &"y\n".repeat(2100)] {
            let place = Place::new();
            fs::write(place.file("log"), words).unwrap();
            let options = ["--budget", &budget.to_string(), "--output-bytes", "1024"];
            for script in ["seq 1 1000; exit 3", "echo short", "exit 4"] {
                place.script(&options, script);
                let log = place.log();
                assert!(log.starts_with(words));
                assert!(log.len() <= budget.max(words.len()), "{} of {budget}", log.len());
            }
            let records = place.records();
            assert!(records.iter().all(|record| record.ending.is_some()));
            // A record takes between 200 and 350 bytes.
            assert!(records.is_empty() || budget > 200 + words.len());
            assert!(!records.is_empty() || budget < 350 + words.len());
        }
    }
}

#[test]
fn where_there_is_no_room_the_latest_run_takes_the_line_of_one_it_tells_of() {
    let place = Place::new();
    for code in 1..=5 {
        place.script(&["--budget", "600"], &format!("exit {code}"));
    }
    let records = place.records();
    assert!(
        records.iter().any(|record| record.numbering.as_ref().unwrap().execution == 5),
        "{}",
        place.log()
    );
}

#[test]
fn what_the_program_does_to_the_log_meanwhile_is_its_own() {
    for (script, kept) in [
        ("echo words >> log", "words\n"),
        ("printf words > log", "words\n"),
        (": > log", ""),
        ("head -c 3000 /dev/zero | tr '\\0' x >> log", "xxx"),
        ("head -c 9000 /dev/zero | tr '\\0' x >> log", "xxx"),
    ] {
        let place = Place::new();
        place.script(&["--output-bytes", "100"], &format!("{script}; echo output; exit 3"));
        assert!(place.log().contains(kept), "{script}");
        assert_eq!(place.ending().outcome, Outcome::Failed, "{script}: {}", place.log());
    }
    let place = Place::new();
    place.script(&[], "rm log; echo words > log");
    assert_eq!(place.log(), "words\n");
}

#[test]
fn a_program_that_writes_all_the_time_loses_nothing() {
    let place = Place::new();
    let log = place.file("log");
    let writer = std::thread::spawn(move || {
        let mut log = OpenOptions::new().append(true).open(log).unwrap();
        for number in 0..100 {
            writeln!(log, "line {number}").unwrap();
            std::thread::yield_now();
        }
    });
    for _ in 0..5 {
        place.script(&[], "exit 3");
    }
    writer.join().unwrap();
    let log = place.log();
    for number in 0..100 {
        assert!(log.lines().any(|line| line == format!("line {number}")), "{number}: {log}");
    }
}

#[test]
fn nothing_is_written_where_nothing_is_asked_for() {
    let place = Place::new();
    let status = std::process::Command::new(crate::support::runner())
        .args(["run", "--container", "web", "--hook", "PreStop", "--", "sh", "-c", "exit 3"])
        .current_dir(&place.path)
        .status();
    assert_eq!(status.unwrap().code(), Some(3));
    assert_eq!(place.log(), "");
    assert_eq!(fs::read_dir(place.file("records")).unwrap().count(), 0);
}
