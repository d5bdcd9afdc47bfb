//! A lock for values that are read and changed in an instant.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value behind a lock that nobody holds across an await. A panic elsewhere leaves the value usable.
#[derive(Debug, Default)]
pub struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
