//! How long the runner was ready to go on and had no processor: time that a busy machine takes, and not the hook.
//!
//! Linux shows the waits in `/proc/thread-self/schedstat` (Documentation/scheduler/sched-stats.rst): nanoseconds run,
//! nanoseconds waited, turns. Without that file all waits count as zero.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// The waits of this thread, which is the runner's only one.
#[derive(Debug)]
pub(crate) struct Waits(Option<File>);

impl Waits {
    /// Opens the file in which the kernel shows the waits.
    pub(crate) fn new() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// All waits so far; zero if they are not known.
    pub(crate) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.read().unwrap_or_default())
    }

    /// When the runner could have gone on, if all waits were `before` when it began to sleep, and it goes on now.
    pub(crate) fn woken(&self, before: Duration) -> Instant {
        loop {
            let (waited, now) = (self.so_far(), Instant::now());
            // A wait between the two readings would be taken for one before `now`.
            if self.so_far() == waited {
                return now.checked_sub(waited.saturating_sub(before)).unwrap_or(now);
            }
        }
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
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_shares_its_processor_waits_for_it() {
        let waits = Waits::new();
        let (before, began) = (waits.so_far(), Instant::now());
        let done = AtomicBool::new(false);
        let processors = thread::available_parallelism().unwrap().get();
        thread::scope(|scope| {
            for _ in 0..processors * 2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            while waits.so_far() == before && began.elapsed() < Duration::from_secs(60) {
                std::hint::spin_loop();
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(waits.so_far() > before, "no wait was ever told");
        assert!(waits.woken(before) < Instant::now());
    }
}
