//! Bars: how long something took, at a glance.

use std::time::Duration;

/// Blocks of a growing number of eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of at most `width` columns; `whole` fills it. What took any time at all shows.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share between 0 and 1 of some columns"
)]
pub(crate) fn bar(part: Duration, whole: Duration, width: usize) -> String {
    if part.is_zero() || whole.is_zero() {
        return String::new();
    }
    let share = (part.as_secs_f64() / whole.as_secs_f64()).min(1.0);
    let eighths = ((share * (width * 8) as f64).round() as usize).max(1);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: u64, whole: u64, expect: &str) {
        assert_eq!(bar(Duration::from_millis(part), Duration::from_millis(whole), 4), expect);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        check(0, 100, "");
        check(1, 1000, "▏");
        check(25, 100, "█");
        check(40, 100, "█▋");
        check(100, 100, "████");
        check(300, 100, "████");
        check(1, 0, "");
    }
}
