//! Programs with which a release is made and installed, and that no cluster needs.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::Progress;
use crate::{layout, packages, tools};

/// Helm, built if the cache lacks it.
pub fn helm(progress: &Progress) -> Result<PathBuf> {
    tools::helm(&layout::cache()?, progress)
}

/// cosign, built if the cache lacks it.
pub fn cosign(progress: &Progress) -> Result<PathBuf> {
    tools::cosign(&layout::cache()?, progress)
}

/// Has apt-get install what of these, a program and its package each, the machine lacks.
pub fn install(wanted: &[(&str, &str)], progress: &Progress) -> Result<()> {
    packages::install(wanted, progress)
}

/// Where a program of this name and version is kept once it is made.
pub fn kept(name: &str) -> Result<PathBuf> {
    Ok(layout::cache()?.join("tools").join(name))
}
