//! How long recording may keep a hook waiting.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// What all waiting of one run may come to. Recording may delay a hook by 100 ms; the rest is for the writing itself.
const TOTAL: Duration = Duration::from_millis(60);
const STEP: Duration = Duration::from_millis(1);

/// The waiting that a run may still do for its record.
pub(crate) struct Patience {
    left: Duration,
}

impl Patience {
    /// All of it.
    pub(crate) fn new() -> Self {
        Self { left: TOTAL }
    }

    /// Locks the file. False if someone else does not let go of it in time. It is unlocked when it is closed, or by
    /// [`release`].
    pub(crate) fn lock(&mut self, file: impl AsFd) -> bool {
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return true,
                Err(rustix::io::Errno::WOULDBLOCK) if !self.left.is_zero() => {
                    sleep(STEP);
                    self.left = self.left.saturating_sub(STEP);
                }
                Err(_) => return false,
            }
        }
    }
}

/// Unlocks the file.
pub(crate) fn release(file: impl AsFd) {
    let _ = flock(file, FlockOperation::Unlock);
}
