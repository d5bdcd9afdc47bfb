//! Programs with which a release is made and installed, and that no cluster needs.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::Progress;
use crate::{exec, layout, packages, tools};

/// Helm, built if the cache lacks it.
pub fn helm(progress: &Progress) -> Result<PathBuf> {
    tools::helm(&layout::cache()?, progress)
}

/// cosign, built if the cache lacks it.
pub fn cosign(progress: &Progress) -> Result<PathBuf> {
    tools::cosign(&layout::cache()?, progress)
}

/// kubectl: the machine's own, or else that of the cluster, built if the cache lacks it.
pub fn kubectl(progress: &Progress) -> Result<PathBuf> {
    match exec::find("kubectl") {
        Some(kubectl) => Ok(kubectl),
        None => tools::kubectl(&layout::cache()?, progress),
    }
}

/// Has apt-get install what of these, a program and its package each, the machine lacks.
pub fn install(wanted: &[(&str, &str)], progress: &Progress) -> Result<()> {
    packages::install(wanted, progress)
}

/// Where a program of this name and version is kept once it is made.
pub fn kept(name: &str) -> Result<PathBuf> {
    Ok(layout::cache()?.join("tools").join(name))
}
