//! The runner's own words on stderr.

use std::io::Write;

/// Writes one line to stderr. The runner does not fail if nobody reads stderr.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "hook-runner: {text}");
}
