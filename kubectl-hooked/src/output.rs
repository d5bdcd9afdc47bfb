//! What hooks have printed: shown to whoever asks for it, and to nobody else.

use hooked_crd::HookRunStatus;

/// Takes from runs what their hooks have printed, which may hold secrets, unless it is asked for.
pub(crate) fn hide_output<'a>(runs: impl IntoIterator<Item = &'a mut HookRunStatus>, show_output: bool) {
    for run in runs.into_iter().filter(|_| !show_output) {
        run.output.clear();
    }
}
