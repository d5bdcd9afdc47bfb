//! Lets one at a time do what two would spoil; the kernel frees the lock of one who dies.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

use crate::progress::Progress;

/// Waits for its turn and says for whom. The lock is held until the file is dropped.
pub(crate) fn take(place: &Path, holder: &str, progress: &Progress) -> Result<File> {
    let unusable = || format!("cannot lock {}", place.display());
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).with_context(unusable)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(place).with_context(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.say(&format!("waiting for {holder} to finish"));
            file.lock().with_context(unusable)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
    }
    Ok(file)
}
