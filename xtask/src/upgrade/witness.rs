//! What hooks did, as the hooks themselves have noted it: a line a run, in files of the node that no operator knows of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// A directory of the node that hooks append lines to.
#[derive(Clone)]
pub(super) struct Witness {
    directory: PathBuf,
}

impl Witness {
    /// An empty one.
    pub(super) fn new() -> Result<Self> {
        let directory = Path::new("/tmp/hooked-upgrade").to_owned();
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// One that reads what is there.
    #[cfg(test)]
    pub(super) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Its path on the node.
    pub(super) fn path(&self) -> String {
        self.directory.display().to_string()
    }

    /// How often a hook of a workload has begun.
    pub(super) fn runs(&self, workload: &str, hook: &str) -> Result<i64> {
        let text = match fs::read_to_string(self.directory.join(file(workload, hook))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            read => read?,
        };
        Ok(i64::try_from(text.lines().count())?)
    }

    /// Removes it.
    pub(super) fn remove(&self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }
}

/// The file in which a hook of a workload notes its runs.
pub(super) fn file(workload: &str, hook: &str) -> String {
    format!("{workload}-{hook}")
}
