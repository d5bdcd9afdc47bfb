//! How long the runner was ready to go on and had no processor: time that a busy machine takes, and not the hook.
//!
//! Linux tells it in `/proc/self/schedstat` (Documentation/scheduler/sched-stats.rst): nanoseconds run, nanoseconds waited,
//! turns. Where there is none, no wait is known of.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The waits of this process.
#[derive(Debug)]
pub(crate) struct Waits(Option<File>);

impl Waits {
    /// Finds out where the kernel tells of them.
    pub(crate) fn new() -> Self {
        Self(File::open("/proc/self/schedstat").ok())
    }

    /// All waits so far; zero if they are not known.
    pub(crate) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.read().unwrap_or_default())
    }

    /// When it was that the runner could have gone on, if all waits were `before` when it began to sleep, and it goes on now.
    pub(crate) fn woken(&self, before: Duration) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.so_far().saturating_sub(before)).unwrap_or(now)
    }

    fn read(&self) -> Option<u64> {
        let mut line = [0; 64];
        let length = self.0.as_ref()?.read_at(&mut line, 0).ok()?;
        let line = std::str::from_utf8(line.get(..length)?).ok()?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_shares_its_processor_waits_for_it() {
        let waits = Waits::new();
        let before = waits.so_far();
        let began = Instant::now();
        while waits.so_far() == before {
            assert!(began.elapsed() < Duration::from_secs(60), "no wait was ever told");
            std::thread::yield_now();
        }
        assert!(waits.woken(before) <= Instant::now());
    }
}
