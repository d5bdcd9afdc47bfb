//! The hook does not meet the runner: it finds no words of it, and what it sends to everybody does not come back.

use std::fs;
use std::process::{Command, Output};

use hooked_protocol::{Exit, Outcome};

use crate::support::{Place, first_line};

/// Case 01: a hook that stops the program by what the program's command line says.
#[test]
fn a_hook_that_looks_for_words_finds_none_of_its_own_or_of_the_runner() {
    // Beside this hook run others, which are no part of its container: those of this place are looked at. No pattern
    // matches itself.
    let script = "for p in /proc/[0-9]*; do
            [ $p != /proc/$$ ] && [ \"$(readlink $p/cwd)\" = \"$PWD\" ] || continue
            echo >> looked
            for f in cmdline environ comm status stat; do
                grep -aqE 'queue-work[e]r|marker-of-the-hoo[k]|PreSto[p]|hook-runne[r]' $p/$f && echo $p/$f
            done
        done; exit 0";
    let place = Place::new();
    let mut command =
        place.run(&["--container", "queue-worker"], &["sh", "-c", script, "marker-of-the-hook"]);
    let output = command.env("MARK", "marker-of-the-hook").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "what was met");
    assert_eq!(fs::read_to_string(place.file("looked")).unwrap(), "\n", "the runner was there to be met");
    assert_eq!(place.ending().outcome, Outcome::Succeeded);
}

#[test]
fn the_runner_shows_no_words_no_environment_and_no_name_before_the_hook_starts() {
    let place = Place::new();
    let script = "cat /proc/$PPID/cmdline /proc/$PPID/environ | tr -d '\\0'; cat /proc/$PPID/comm; tr '\\0' ' ' < /proc/$$/cmdline";
    let output = place.script(&["--retries", "2"], script);
    let expect = format!("\nsh -c {script} ");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expect);
}

/// In a PID namespace of its own, where `kill -1` meets nobody else. `None` where that is not allowed.
fn alone(place: &Place, options: &[&str], script: &str) -> Option<Output> {
    let hook = place.run(options, &["sh", "-c", script]);
    let mut command = Command::new("unshare");
    // A first process that does not hear what is sent to everybody, as a container's does not.
    command.args([
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        "trap : TERM HUP INT USR1 USR2; \"$@\" & wait $!; code=$?; exit $code",
        "sh",
    ]);
    command.arg(hook.get_program()).args(hook.get_args()).current_dir(&place.path);
    let output = command.output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("unshare failed") {
        eprintln!("left out: a PID namespace of one's own is not allowed here");
        return None;
    }
    Some(output)
}

/// Case 03, with every signal that can be kept from ending the runner.
#[test]
fn what_the_hook_sends_to_everybody_does_not_come_back() {
    for number in (1..=31).chain(34..=64).filter(|number| ![9, 19].contains(number)) {
        let place = Place::new();
        let options = ["--retries", "1", "--retry-delay", "0"];
        let script = format!("kill -{number} -1; sleep 0.02; echo done >> done; test $(wc -l < done) = 2");
        let Some(_) = alone(&place, &options, &script) else { return };
        let ending = place.ending();
        // It was not asked to end by anybody, so there was a second attempt.
        assert_eq!((ending.outcome, ending.attempts), (Outcome::Succeeded, 2), "signal {number}");
    }
}

#[test]
fn what_a_child_of_the_hook_sends_to_the_runner_is_not_for_the_hook() {
    for sender in
        ["kill -TERM $PPID", "/bin/kill -TERM $PPID", "setsid kill -TERM $PPID", "(kill -TERM $PPID &)"]
    {
        let place = Place::new();
        let output = place.script(&[], &format!("{sender}; sleep 0.1; exit 3"));
        assert_eq!(output.status.code(), Some(3), "{sender}");
        assert_eq!(place.ending().message, "exited with 3", "{sender}");
    }
}

/// From somebody in the container who is none of the hook's: the hook gets what is sent to itself, and once.
#[test]
fn what_others_in_the_container_send_to_everybody_reaches_the_hook_once() {
    let place = Place::new();
    let script = "trap 'echo got >> got' USR1; echo ready; until [ -e over ]; do :; done";
    let mut child = place.run(&[], &["sh", "-c", script]).spawn().unwrap();
    first_line(&mut child);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let everybody = format!("kill -USR1 {} {}; sleep 0.2", child.id(), children.trim());
    assert!(Command::new("sh").args(["-c", &everybody]).status().unwrap().success());
    fs::write(place.file("over"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(place.file("got")).unwrap(), "got\n");
}

/// The runner's parent sends it, as a runtime would.
#[test]
fn a_signal_that_has_only_a_number_is_passed_on_as_well() {
    let place = Place::new();
    let script = "trap 'exit 7' 40; echo > ready; while :; do sleep 0.01; done";
    let hook = place.run(&[], &["sh", "-c", script]);
    let sends = "\"$@\" & until [ -e ready ]; do sleep 0.01; done; kill -40 $!; wait $!";
    let mut parent = Command::new("sh");
    parent.args(["-c", sends, "sh"]).arg(hook.get_program()).args(hook.get_args()).current_dir(&place.path);
    assert_eq!(parent.status().unwrap().code(), Some(7));
    assert_eq!(place.ending().exit, Some(Exit::Code(7)));
}
