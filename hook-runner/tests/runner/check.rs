//! `hook-runner check`: that the program can be run, and whether somebody takes a connection.

use std::net::TcpListener;
use std::process::Command;

use crate::support::runner;

fn check(arguments: &[&str], code: i32, words: &str) {
    let output = Command::new(runner()).arg("check").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{arguments:?}: {said}");
}

#[test]
fn a_check_tells_whether_somebody_takes_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    check(&[], 0, "");
    check(&[&address], 0, "");
    drop(listener);
    check(&[&address], 1, "hook-runner: cannot connect: Connection refused");
    check(&["operator:8443"], 125, "check [IP:PORT]");
}
