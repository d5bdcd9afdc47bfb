//! How long a hook ran.

use hooked_crd::{GoDuration, HookRunStatus};

use super::time::short;

/// How long a hook ran, with `~` before an estimate; none where that is not known.
pub(crate) fn took(run: &HookRunStatus) -> Option<String> {
    let GoDuration(duration) = run.duration?;
    let mark = if is_estimate(run) { "~" } else { "" };
    Some(format!("{mark}{}", short(duration)))
}

/// Whether a duration is an estimate: it may be off by `durationError`.
pub(crate) fn is_estimate(run: &HookRunStatus) -> bool {
    run.duration_error.is_some_and(|GoDuration(error)| !error.is_zero())
}
