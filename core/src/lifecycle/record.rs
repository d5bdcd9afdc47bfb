//! What a runner's record says of its place.

use hooked_protocol::Record;

/// The whole second of a run's beginning, as the kubelet would write it.
pub(crate) fn second_of(record: &Record) -> i64 {
    i64::try_from(record.start / 1_000_000).unwrap_or(i64::MAX)
}

/// Which execution of its hook in its container a record is of, from 1, if the runner could number it.
pub(crate) fn execution_of(record: &Record) -> Option<u32> {
    record.numbering.as_ref().map(|numbering| numbering.execution)
}
