//! What the hook does and sees is what it would do and see without a runner.

use hooked_protocol::{Exit, Outcome};

use crate::support::{Place, first_line, signal};

#[test]
fn every_exit_code_passes() {
    for code in 0..=255_u8 {
        let place = Place::new();
        let output = place.script(&[], &format!("exit {code}"));
        assert_eq!(output.status.code(), Some(i32::from(code)));
        let ending = place.ending();
        assert_eq!(ending.exit, Some(Exit::Code(code)));
        assert_eq!(ending.outcome, if code == 0 { Outcome::Succeeded } else { Outcome::Failed });
    }
}

/// Signals that by default do nothing, or only stop or continue.
pub(crate) const HARMLESS: [u8; 8] = [17, 18, 19, 20, 21, 22, 23, 28];

#[test]
fn every_fatal_signal_becomes_128_and_its_number() {
    for number in (1..=31).chain(34..=64).filter(|number| !HARMLESS.contains(number)) {
        let place = Place::new();
        let output = place.script(&[], &format!("ulimit -c 0; kill -{number} $$"));
        assert_eq!(output.status.code(), Some(i32::from(128 + number)), "signal {number}");
        assert_eq!(place.ending().exit, Some(Exit::Signal(number)));
    }
}

#[test]
fn a_hundred_megabytes_pass_unchanged_on_both_streams() {
    let place = Place::new();
    let script = "seq 1 7000000 & seq 7000000 -1 1 >&2; wait";
    let output = place.script(&["--output-bytes", "20"], script);
    assert!(output.stdout.len() + output.stderr.len() > 100_000_000);
    let up = (1..=7_000_000_u32).map(|number| number.to_string());
    assert!(String::from_utf8(output.stdout).unwrap().lines().eq(up));
    let down = (1..=7_000_000_u32).rev().map(|number| number.to_string());
    assert!(String::from_utf8(output.stderr).unwrap().lines().eq(down));
    assert_eq!(place.ending().output.len(), 20);
}

#[test]
fn order_is_kept_where_both_streams_are_one() {
    let place = Place::new();
    let both = std::fs::File::create(place.file("both")).unwrap();
    let mut command =
        place.run(&[], &["sh", "-c", "for i in 1 2 3 4; do echo out $i; echo err $i >&2; done"]);
    command.stdout(both.try_clone().unwrap()).stderr(both);
    assert!(command.status().unwrap().success());
    let text = std::fs::read_to_string(place.file("both")).unwrap();
    assert_eq!(text, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nout 4\nerr 4\n");
}

#[test]
fn a_hook_that_nobody_reads_gets_sigpipe_as_ever() {
    let place = Place::new();
    let mut child = place.run(&[], &["yes"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 13));
}

#[test]
fn a_command_that_cannot_be_started_is_told_of_as_the_runtime_would() {
    for (command, code, why) in [
        ("no-such-command", 127, "executable file not found in $PATH"),
        ("/no/such/command", 127, "stat /no/such/command: no such file or directory"),
        ("/etc", 126, "is a directory"),
        ("/etc/passwd", 126, "permission denied"),
        ("/etc/passwd/x", 126, "stat /etc/passwd/x: not a directory"),
    ] {
        let place = Place::new();
        let output = place.run(&[], &[command]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text, format!("exec: \"{command}\": {why}\n"));
        let ending = place.ending();
        assert_eq!(
            (ending.outcome, ending.exit),
            (Outcome::Failed, Some(Exit::Code(u8::try_from(code).unwrap())))
        );
        assert!(ending.message.contains(why));
    }
}

/// As runc has it: what `execve` says, and no shell in between.
#[test]
fn a_file_that_the_kernel_does_not_run_fails_and_no_shell_runs_it() {
    for (content, why) in [
        ("echo hi > ran", "exec format error"),
        ("", "exec format error"),
        ("#!/nowhere\n", "no such file or directory"),
    ] {
        let place = Place::new();
        let file = place.executable("file", content);
        for (command, path) in
            [(file.to_str().unwrap(), ""), ("file", &*format!("{}:/bin", place.path.display()))]
        {
            std::fs::write(place.file("log"), "").unwrap();
            let output = place.run(&[], &[command]).env("PATH", path).output().unwrap();
            assert_eq!(output.status.code(), Some(255), "{content:?}");
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(text, format!("exec {}: {why}\n", file.display()));
            assert_eq!(place.ending().exit, Some(Exit::Code(255)));
            assert!(!place.file("ran").exists());
        }
    }
}

#[test]
fn a_script_is_run_with_all_of_its_many_arguments() {
    let place = Place::new();
    place.executable("count", "#!/bin/sh\necho $0 $#");
    let words: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let command: Vec<&str> = ["count"].into_iter().chain(words.iter().map(String::as_str)).collect();
    // A search along so many places takes room as well.
    let path = format!("{}{}//", "/nowhere:".repeat(5000), place.path.display());
    let output = place.run(&[], &command).env("PATH", format!("{path}:/usr/bin:/bin")).output().unwrap();
    let expect = format!("{} 50000\n", place.file("count").display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expect);
}

#[test]
fn signals_are_passed_on_and_what_they_do_to_the_hook_is_its_outcome() {
    for (number, code, outcome) in [
        (15, 7, Outcome::Failed),
        (1, 8, Outcome::Failed),
        (10, 9, Outcome::Failed),
        (12, 0, Outcome::Succeeded),
    ] {
        let place = Place::new();
        let script = "trap 'exit 7' TERM; trap 'exit 8' HUP; trap 'exit 9' USR1; trap 'exit 0' USR2
            echo ready; while :; do sleep 0.01; done";
        let mut child = place.run(&["--retries", "3"], &["sh", "-c", script]).spawn().unwrap();
        if number == 10 {
            // An ordinary signal does not end the runner's attempts; the policy's do.
            drop(child.kill());
            drop(child.wait());
            child = place.run(&[], &["sh", "-c", script]).spawn().unwrap();
        }
        assert_eq!(first_line(&mut child), "ready");
        signal(child.id(), number);
        assert_eq!(child.wait().unwrap().code(), Some(code), "signal {number}");
        let ended = place.records().into_iter().find_map(|record| record.ending).unwrap();
        assert_eq!((ended.outcome, ended.attempts), (outcome, 1));
    }
}
