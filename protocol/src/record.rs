//! One run of one hook, as its runner saw it.

use std::fmt;

use crate::hex;
use crate::history::{Counts, Past};
use crate::limits::MAX_CONTAINER;

/// What makes copies of a record one: 128 random bits, chosen anew for each run.
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

/// Which lifecycle hook: `PostStart` or `PreStop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Hook {
    /// Runs beside the entrypoint when a container has started.
    PostStart,
    /// Runs before the stop signal when a container is to be stopped.
    PreStop,
}

impl Hook {
    /// The hook's name, as in the API: `PostStart` or `PreStop`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostStart => "PostStart",
            Self::PreStop => "PreStop",
        }
    }

    /// The hook of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::PostStart, Self::PreStop].into_iter().find(|hook| hook.name() == name)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// Its last attempt exited with 0, by itself.
    Succeeded,
    /// Its last attempt did not, or could not be started.
    Failed,
    /// Its last attempt was ended by the policy's timeout, whatever it exited with then.
    TimedOut,
    /// The operator asked for its end, and no attempt succeeded after that; or the hook was not begun, since its Pod was
    /// already to go.
    Cancelled,
}

/// What the hook's own process came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// It exited with this code. A command that was not found counts as 127, one that could not be started as 126.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

/// Where a run stands among the runs of the same hook in the same container of the same Pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numbering {
    /// Which execution it is, from 1, over all instances of the container.
    pub execution: u32,
    /// All executions so far, this one included, as known when the record was written.
    pub counts: Counts,
    /// How those before this one went, one by one.
    pub past: Past,
}

/// What is known of a run since it has ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ending {
    /// How it ended.
    pub outcome: Outcome,
    /// What the last attempt's process came to; `None` if that could not be learnt, as of one that cannot be killed.
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
    /// Where it stands among its like; `None` where the runner had no state to count by, so that its number is unknown.
    pub numbering: Option<Numbering>,
    /// How it ended; `None` in the record that is written before the hook starts.
    pub ending: Option<Ending>,
}

/// Whether a container can have that name: a DNS label. Names become file names, so nothing else is let through.
pub fn is_container_name(name: &str) -> bool {
    (1..=MAX_CONTAINER).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
