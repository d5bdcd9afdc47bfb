//! What the runner says for itself.

use std::io::Write;

/// One line on stderr. That nobody reads it is no reason to fail.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "hook-runner: {text}");
}
