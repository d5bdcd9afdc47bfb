//! A choice between two facts that does not depend on the order in which they came.

/// The lesser of two that are known: a choice that does not depend on the order in which they came.
pub(super) fn earliest<T: Ord>(ours: Option<T>, theirs: Option<T>) -> Option<T> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
        (ours, theirs) => ours.or(theirs),
    }
}
