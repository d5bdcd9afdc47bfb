//! What a hook can ask about itself, line by line beside the same hook without a runner.
//!
//! A scenario of the cluster has the same probe answer in stock containers (`e2e/tests/scenarios/unmet.rs`).

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::Place;

/// An ordinary user with nothing that is privileged, to whom the runtime has given stdout and stderr as runc does.
const AS_NOBODY: &str = "chown 65534 /proc/self/fd/1 /proc/self/fd/2
    exec setpriv --reuid=65534 --regid=65534 --groups=7,9 --no-new-privs --bounding-set=-all \"$@\"";

/// What a container may be given, by a program that is put in front of both.
const CIRCUMSTANCES: [&[&str]; 7] = [
    &[],
    &["sh", "-c", AS_NOBODY, "sh"],
    &["setpriv", "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"],
    &["nice", "-n", "7"],
    &["sh", "-c", "umask 0137; ulimit -n 100; ulimit -c 0; trap '' USR1 HUP; exec \"$@\"", "sh"],
    &[
        "sh",
        "-c",
        "echo 500 > /proc/self/oom_score_adj; echo 7 > /proc/self/coredump_filter; exec \"$@\"",
        "sh",
    ],
    &["chrt", "--batch", "0"],
];

/// What the probe says, with these words in front of it.
fn answers(place: &Place, words: &[OsString]) -> Option<Vec<String>> {
    let (first, others) = words.split_first()?;
    let mut command = Command::new(first);
    command.args(others).env("MARK", "a b").env("EMPTY", "").current_dir("/usr");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take()?.write_all(b"from stdin\n").ok()?;
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        eprintln!("left out, since {} is not allowed here: {complaints}", place.path.display());
        return None;
    }
    assert_eq!(complaints, "");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn a_hook_that_asks_about_itself_gets_the_answers_that_it_would_get_without_a_runner() {
    let mut compared = 0;
    for circumstances in CIRCUMSTANCES {
        let place = Place::new();
        // Somebody else may have to write there.
        Command::new("chmod").args(["-R", "a+rwX"]).arg(&place.path).status().unwrap();
        let probe = ["sh", "-c", include_str!("probe.sh"), "the name", "", "two words", ""];
        // As a shell's background job, the tests may have been started with signals ignored.
        let front = ["/usr/bin/env", "--default-signal"].iter().chain(circumstances).map(OsString::from);
        let bare: Vec<OsString> =
            front.clone().chain(["setsid".into()]).chain(probe.map(Into::into)).collect();
        let run = place.run(&["--retries", "1"], &probe);
        let called = run.get_args().skip(1).map(OsString::from);
        let under: Vec<OsString> = front.chain(called).collect();
        let Some(expected) = answers(&place, &bare) else { continue };
        let told = answers(&place, &under).unwrap();
        // Not all of it in a report: an environment may hold secrets.
        let differing: Vec<_> =
            told.iter().zip(&expected).filter(|(told, expected)| told != expected).collect();
        assert!(differing.is_empty() && told.len() == expected.len(), "{circumstances:?}: {differing:#?}");
        compared = told.len().max(compared);
    }
    assert!(compared > 100, "{compared} lines are compared");
}
