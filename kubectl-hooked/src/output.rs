//! What hooks have printed.

use hooked_crd::HookRunStatus;

/// Removes from runs what their hooks have printed, which may hold secrets, unless the user asks to show it.
pub(crate) fn hide_output<'a>(runs: impl IntoIterator<Item = &'a mut HookRunStatus>, show_output: bool) {
    for run in runs.into_iter().filter(|_| !show_output) {
        run.output.clear();
    }
}
