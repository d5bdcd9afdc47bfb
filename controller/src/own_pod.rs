//! The Pod that the operator runs in.

/// The Pod that the operator runs in.
#[derive(Clone, Debug)]
pub(crate) struct OwnPod {
    pub(crate) namespace: String,
    pub(crate) name: String,
}
