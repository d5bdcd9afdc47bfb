//! The cache of what is made once and kept: programs built from source, archives of images.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::lock;
use crate::progress::Progress;

/// Makes the file or directory at `place`, unless it is there.
///
/// One caller at a time makes it, threads of one process and other processes alike; the others wait and find it made.
/// `make` gets the path of a draft, which takes the final name at the end: what has its final name is complete, and
/// what a caller who died has left of a draft is removed.
pub fn once(place: &Path, progress: &Progress, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if place.exists() {
        return Ok(());
    }
    let name = place.file_name().context("what is kept in the cache needs a name")?.to_string_lossy();
    let _lock = lock::take(
        &place.with_file_name(format!(".{name}.lock")),
        &format!("the making of {name}"),
        progress,
    )?;
    if place.exists() {
        return Ok(());
    }
    let draft = place.with_file_name(format!(".{name}.draft"));
    remove(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    make(&draft).with_context(|| format!("cannot make {}", place.display()))?;
    fs::rename(&draft, place)
        .with_context(|| format!("cannot rename {} to {}", draft.display(), place.display()))
}

/// Removes a file or directory that may be absent.
fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    /// A directory of a test's own, removed at its end.
    pub(crate) struct Scratch(pub(crate) PathBuf);

    impl Scratch {
        pub(crate) fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("hooked-cache-{test}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Calls `work` from as many threads as the tests start clusters, all in the same moment.
    pub(crate) fn by_four_threads<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
        let (barrier, work) = (Barrier::new(4), &work);
        thread::scope(|scope| {
            let started = [(); 4].map(|()| {
                scope.spawn(|| {
                    barrier.wait();
                    work()
                })
            });
            started.map(|thread| thread.join().unwrap()).into()
        })
    }

    #[test]
    fn what_four_threads_want_at_once_is_made_once_and_found_by_all() {
        let scratch = Scratch::new("threads");
        let (place, made) = (scratch.0.join("deep/thing"), AtomicU32::new(0));
        let outcomes = by_four_threads(|| {
            once(&place, &Progress::new(|_| {}), |draft| {
                made.fetch_add(1, Ordering::Relaxed);
                Ok(fs::write(draft, "whole")?)
            })
        });
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(made.into_inner(), 1);
        assert_eq!(fs::read_to_string(&place).unwrap(), "whole");
    }

    #[test]
    fn what_was_not_finished_is_made_anew() {
        let scratch = Scratch::new("unfinished");
        let place = scratch.0.join("thing");
        let failed = once(&place, &Progress::new(|_| {}), |draft| {
            fs::create_dir(draft)?;
            anyhow::bail!("out of luck")
        });
        let said = format!("{:#}", failed.unwrap_err());
        assert!(said.contains("thing") && said.contains("out of luck"), "{said}");
        assert!(!place.exists());
        once(&place, &Progress::new(|_| {}), |draft| Ok(fs::write(draft, "whole")?)).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "whole");
    }
}
