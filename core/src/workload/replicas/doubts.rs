//! Own writes whose reply was lost: whether they were carried out is looked up.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A write of which nobody knows whether it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What was asked for.
    pub write: DoubtfulWrite,
    /// Until when the request may still be carried out: its own time-out.
    pub until: Timestamp,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtfulWrite {
    /// That a Pod is made.
    Create,
    /// That a Pod is deleted.
    Delete,
}

/// Doubts by the number of the Pod.
pub(super) type Doubts = BTreeMap<u64, Doubt>;
