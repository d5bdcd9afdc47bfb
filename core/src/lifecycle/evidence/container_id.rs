//! Which instance of a container it is, as the runtime knows it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

/// The runtime's name for an instance of a container, as long as names of one container differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContainerId(NonZeroU64);

impl ContainerId {
    /// By the id in a container's status; none if it is empty.
    pub(crate) fn of(id: &str) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        NonZeroU64::new(hasher.finish().max(1)).filter(|_| !id.is_empty()).map(Self)
    }
}
