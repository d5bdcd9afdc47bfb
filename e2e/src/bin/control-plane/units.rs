//! What is told of what was used, in the units that it is told in.

use hooked_e2e::Usage;

use crate::stage::Used;

/// The processor time that one of the programs has used in between, in milliseconds.
pub(crate) fn milliseconds(before: Used, after: Used, of: impl Fn(Used) -> Usage) -> f64 {
    (of(after).processor_seconds - of(before).processor_seconds) * 1e3
}

/// Whole KiB as a number with a fraction.
pub(crate) fn kibibytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX))
}

/// Whole KiB in MiB.
pub(crate) fn mebibytes(kib: u64) -> f64 {
    kibibytes(kib) / 1024.0
}
