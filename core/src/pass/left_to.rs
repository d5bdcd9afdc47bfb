//! What is remembered of a workload that is another operator's.

use std::sync::Arc;

/// That a workload is left to another operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeftTo {
    /// The operator that counts, by the namespace that it runs in.
    pub(super) operator: Arc<str>,
    /// The generation of the workload for which that was told: who changes the spec learns why nothing follows here.
    pub(super) generation: i64,
}
