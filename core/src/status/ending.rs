//! How a run of a hook ended, in words.

use hooked_crd::Outcome;

/// How a run ended, in words of our own.
pub fn how_it_ended(outcome: Outcome, exit_code: Option<i32>) -> String {
    match (outcome, exit_code) {
        (Outcome::TimedOut, _) => "timed out".to_owned(),
        (Outcome::Failed, Some(code)) => format!("exited with {code}"),
        (Outcome::Failed, None) => "failed".to_owned(),
        (outcome, _) => format!("{outcome:?}"),
    }
}
