//! The runner's own words on stderr.

use std::io::Write;

/// Writes one line to stderr. The runner does not fail if nobody reads stderr.
pub(crate) fn complain(text: &str) {
    say(&format!("hook-runner: {text}"));
}

/// Writes one line to stderr as somebody else would, where the runner stands in that one's place.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
