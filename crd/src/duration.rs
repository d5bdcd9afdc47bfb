//! Durations as Go and `metav1.Duration` write them: `4.213ms`, `1m2s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of time, written as Go writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// The text is no Go duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseGoDurationError(String);

impl fmt::Display for ParseGoDurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no duration such as 4.213ms or 1m2s", self.0)
    }
}

impl std::error::Error for ParseGoDurationError {}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {
                let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", decimal(rest, 1_000_000_000))
            }
        }
    }
}

/// `value / unit` in decimal, without trailing zeros. `unit` is a power of ten.
fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{fraction:0width$}").trim_end_matches('0'))
}

impl FromStr for GoDuration {
    type Err = ParseGoDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseGoDurationError(text.to_owned());
        if text == "0" {
            return Ok(Self::default());
        }
        let mut rest = text;
        let mut nanos = 0_u128;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
            let (number, tail) = rest.split_at(digits);
            let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            nanos += nanos_of(number, unit).ok_or_else(error)?;
            rest = tail;
        }
        let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| error())?;
        let rest = u32::try_from(nanos % 1_000_000_000).map_err(|_| error())?;
        Ok(Self(Duration::new(seconds, rest)))
    }
}

/// What a decimal number of a unit is in nanoseconds; exact, so that what was written is what is read.
fn nanos_of(number: &str, unit: &str) -> Option<u128> {
    let unit = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // 64 bits are more than any duration needs and leave room to multiply.
    let whole: u64 = whole.parse().ok()?;
    // What is below a millionth of a nanosecond in the largest unit is cut off.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let parts: u64 = fraction.parse().ok()?;
    Some(
        u128::from(whole) * unit
            + u128::from(parts) * unit / 10_u128.pow(u32::try_from(fraction.len()).ok()?),
    )
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GoDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(duration: Duration, text: &str) {
        assert_eq!(GoDuration(duration).to_string(), text);
        assert_eq!(text.parse(), Ok(GoDuration(duration)), "{text}");
    }

    #[test]
    fn a_duration_is_written_as_go_writes_it() {
        check(Duration::ZERO, "0s");
        check(Duration::from_nanos(999), "999ns");
        check(Duration::from_micros(4213), "4.213ms");
        check(Duration::from_nanos(1_500), "1.5µs");
        check(Duration::from_millis(60), "60ms");
        check(Duration::from_secs(62), "1m2s");
        check(Duration::from_millis(3_600_500), "1h0m0.5s");
        check(Duration::from_secs(2), "2s");
    }

    #[test]
    fn a_long_duration_keeps_every_nanosecond() {
        check(Duration::new(400 * 86_400, 1), "9600h0m0.000000001s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "5", "s", "1x", "-1s", "1.2.3s", ".s", "99999999999999999999s"] {
            assert!(text.parse::<GoDuration>().is_err(), "{text:?} was taken");
        }
    }
}
