//! Durations as they are typed.

use std::time::Duration;

use hooked_crd::GoDuration;

/// A duration with its unit, such as 120s or 5m.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let GoDuration(duration) =
        text.parse().map_err(|error| format!("{error}; seconds are written as 120s"))?;
    Ok(duration)
}
