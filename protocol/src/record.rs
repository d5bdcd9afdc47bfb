//! One run of one hook, as its runner saw it.

use std::fmt;

use crate::hex;
use crate::history::{Counts, Past};
use crate::hook::Hook;
use crate::limits::MAX_CONTAINER;
use crate::outcome::{Exit, Outcome};

/// Tells the runs apart: 128 random bits, chosen anew for each run. Records with the same one are copies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub [u8; 16]);

impl RunId {
    /// Reads what [`fmt::Display`] writes: 32 lower-case hexadecimal digits. `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::read(text).map(Self)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

/// Where a run stands among the runs of the same hook in the same container of the same Pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numbering {
    /// Which execution it is, from 1, over all instances of the container.
    pub execution: u32,
    /// All executions so far, this one included, as known when the record was written.
    pub counts: Counts,
    /// How the executions before this one went, one by one.
    pub past: Past,
}

/// How a run ended, and what is known since then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ending {
    /// The outcome of the run.
    pub outcome: Outcome,
    /// How the last attempt's process ended; `None` if that is not known, as of a process that cannot be killed.
    pub exit: Option<Exit>,
    /// Microseconds from when the first attempt's process became the hook to the end of the last attempt, on the
    /// monotonic clock.
    pub duration: u64,
    /// Attempts made. None only of a run that was cancelled before it began, which then has no exit.
    pub attempts: u32,
    /// Why, in words; empty if all went well. At most [`crate::MAX_MESSAGE`] bytes.
    pub message: String,
    /// The last bytes of stdout and stderr in the order in which they came. At most [`crate::MAX_OUTPUT`] bytes.
    pub output: String,
}

/// One run of one hook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Which run.
    pub run: RunId,
    /// The container's name.
    pub container: String,
    /// Which hook.
    pub hook: Hook,
    /// Microseconds since 1970, on the node's clock.
    pub start: u64,
    /// The run's number among those of the same hook; `None` where the runner had no state to count by.
    pub numbering: Option<Numbering>,
    /// How the run ended; `None` in the record that is written before the hook starts.
    pub ending: Option<Ending>,
}

/// Whether a container can have that name: a DNS label. Container names become file names, so no other text may pass.
pub fn is_container_name(name: &str) -> bool {
    (1..=MAX_CONTAINER).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
