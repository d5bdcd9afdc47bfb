//! How long recording may keep a hook waiting.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// How long one run may wait for locks in all. Recording may delay a hook by 100 ms; the rest is for the writing
/// itself.
const TOTAL: Duration = Duration::from_millis(60);
const STEP: Duration = Duration::from_millis(1);

/// The waiting that a run may still do for its record.
pub(crate) struct Patience {
    left: Duration,
}

impl Patience {
    /// The patience of a run that has not waited yet.
    pub(crate) fn new() -> Self {
        Self { left: TOTAL }
    }

    /// Locks the file. False if another process keeps the lock for too long. Closing the file unlocks it, and so does
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
