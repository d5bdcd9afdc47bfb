//! What a patch makes of a workload, without a request.

use hooked_crd::HookedWorkload;
use json_patch::Patch;
use thiserror::Error;

/// Why it cannot be shown what a patch makes of a workload.
#[derive(Debug, Error)]
pub(crate) enum PreviewError {
    /// The patch does not fit the workload.
    #[error(transparent)]
    Patch(#[from] json_patch::PatchError),
    /// The workload, or what becomes of it, cannot be read.
    #[error(transparent)]
    Read(#[from] serde_json::Error),
}

/// The workload as the patch makes it, before the API server fills in what it lacks.
pub(super) fn preview(workload: &HookedWorkload, patch: &Patch) -> Result<HookedWorkload, PreviewError> {
    let mut object = serde_json::to_value(workload)?;
    json_patch::patch(&mut object, patch)?;
    Ok(serde_json::from_value(object)?)
}
