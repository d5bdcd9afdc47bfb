//! Times and durations as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// A duration in at most three digits and a unit or two: `775µs`, `4.21ms`, `12.3s`, `1m2s`, `3h4m`.
pub(crate) fn short(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..999_500 => rounded(nanos, 1_000, "µs"),
        999_500..999_500_000 => rounded(nanos, 1_000_000, "ms"),
        999_500_000..59_950_000_000 => rounded(nanos, 1_000_000_000, "s"),
        _ => units(duration.as_secs() + u64::from(duration.subsec_millis() >= 500)),
    }
}

/// Three digits of `nanos / unit`, without trailing zeros.
fn rounded(nanos: u128, unit: u128, name: &str) -> String {
    let hundredths = nanos * 100 / unit;
    let digits = match hundredths {
        0..1_000 => 2,
        1_000..10_000 => 1,
        _ => 0,
    };
    let step = unit / 10_u128.pow(digits);
    let steps = (nanos + step / 2) / step;
    let scale = 10_u128.pow(digits);
    let (whole, fraction) = (steps / scale, steps % scale);
    let width = digits as usize;
    let text = if digits == 0 { whole.to_string() } else { format!("{whole}.{fraction:0width$}") };
    let text = if digits == 0 { &text } else { text.trim_end_matches('0').trim_end_matches('.') };
    format!("{text}{name}")
}

/// Whole seconds in the two largest units.
fn units(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |large: u64, name: &str, small: u64, smaller: &str| match small {
        0 => format!("{large}{name}"),
        _ => format!("{large}{name}{small}{smaller}"),
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => pair(minutes, "m", seconds % 60, "s"),
        3_600..86_400 => pair(hours, "h", minutes % 60, "m"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}

/// How long ago: `12s`, `3m4s`, `2d3h`. A time to come, by another clock, is now.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - time.as_second();
    units(u64::try_from(seconds).unwrap_or(0))
}

/// A whole second as a time of day in UTC, with the day: `2026-11-22 10:00:02Z`.
pub(crate) fn clock(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(
        |_| "an impossible time".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nanos: u64, expect: &str) {
        assert_eq!(short(Duration::from_nanos(nanos)), expect);
    }

    #[test]
    fn a_duration_has_three_digits() {
        check(0, "0s");
        check(775_000, "775µs");
        check(999_600, "1ms");
        check(4_213_000, "4.21ms");
        check(60_000_000, "60ms");
        check(999_900_000, "1s");
        check(1_500_000_000, "1.5s");
        check(12_340_000_000, "12.3s");
        check(59_990_000_000, "1m");
        check(62_000_000_000, "1m2s");
        check(3_600_000_000_000, "1h");
        check(90_000_000_000_000, "1d1h");
    }

    #[test]
    fn a_time_is_some_time_ago() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ago(at(100), at(112)), "12s");
        assert_eq!(ago(at(112), at(100)), "0s");
        assert_eq!(clock(1_795_514_402), "2026-11-24 10:00:02Z");
    }
}
