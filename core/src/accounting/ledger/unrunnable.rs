//! That the hook-runner cannot run in Pods of a revision, as one of them has shown.

use std::sync::Arc;

use crate::lifecycle::Inability;

/// What a Pod of a revision has shown of the hook-runner. Pods of the revision are made without it from then on, by
/// whatever operator: the Pod that has shown it is gone by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrunnable {
    /// Why the runner cannot run.
    pub inability: Inability,
    /// The node on which a Pod has shown that, if that is known.
    pub node: Option<Arc<str>>,
    /// The highest number that a Pod may have which was made with the runner.
    pub last: u64,
}

impl Unrunnable {
    /// Revisions of Pods of others of which that is remembered. Such Pods may all be gone while their controller is
    /// about to make the next, so how many there are says nothing. Where there are so many, the injector tries no
    /// other.
    pub const MOST_OF_OTHERS: usize = 16;
}
