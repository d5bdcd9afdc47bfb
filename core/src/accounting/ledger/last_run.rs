//! The last run of a hook, as far as it is remembered.

use std::sync::Arc;

use hooked_crd::Outcome;

/// The last run of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// How it ended.
    pub outcome: Outcome,
    /// Its Pod.
    pub pod: Arc<str>,
    /// The hook's exit status, if the runner has recorded it.
    pub exit_code: Option<i32>,
}
