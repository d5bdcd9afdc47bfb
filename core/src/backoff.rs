//! How long a workload rests whose pass has failed.

use std::time::Duration;

/// The longest power of two by which the first rest grows: 64 s.
const MOST_DOUBLINGS: u32 = 7;
/// The first rest.
const FIRST: Duration = Duration::from_secs(1);

/// How long to rest after so many failures in a row, at least one.
pub fn rest(failures: u32) -> Duration {
    FIRST * (1 << failures.saturating_sub(1).min(MOST_DOUBLINGS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_rest_up_to_about_a_minute() {
        let seconds = [0, 1, 2, 3, 7, 8, u32::MAX].map(|failures| rest(failures).as_secs());
        assert_eq!(seconds, [1, 1, 2, 4, 64, 64, 64]);
    }
}
