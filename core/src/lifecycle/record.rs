//! The runner's records in the words of the API.

use hooked_crd::{HookKind, Outcome};
use hooked_protocol::{Hook, Record};

/// The hook that a record is of, in the words of the API.
pub(crate) fn hook_of(record: &Record) -> HookKind {
    match record.hook {
        Hook::PostStart => HookKind::PostStart,
        Hook::PreStop => HookKind::PreStop,
    }
}

/// An outcome in the words of the API.
pub(crate) fn outcome_of(outcome: hooked_protocol::Outcome) -> Outcome {
    match outcome {
        hooked_protocol::Outcome::Succeeded => Outcome::Succeeded,
        hooked_protocol::Outcome::Failed => Outcome::Failed,
        hooked_protocol::Outcome::TimedOut => Outcome::TimedOut,
        hooked_protocol::Outcome::Cancelled => Outcome::Cancelled,
    }
}

/// The whole second of a run's beginning, as the kubelet would write it.
pub(crate) fn second_of(record: &Record) -> i64 {
    i64::try_from(record.start / 1_000_000).unwrap_or(i64::MAX)
}

/// Which execution of its hook in its container a record is of, from 1, if the runner could number it.
pub(crate) fn execution_of(record: &Record) -> Option<u32> {
    record.numbering.as_ref().map(|numbering| numbering.execution)
}
