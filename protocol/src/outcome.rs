//! How a run of a hook ends.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// The last attempt exited with 0, by itself.
    Succeeded,
    /// The last attempt exited otherwise, or could not be started.
    Failed,
    /// The policy's timeout ended the last attempt, whatever its exit code was then.
    TimedOut,
    /// The operator stopped the hook, and no attempt succeeded after that; or the hook was not begun, since the hooks
    /// of its Pod were cancelled already.
    Cancelled,
}

/// How the hook's own process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// With this exit code. A command that was not found counts as 127, one that could not be started as 126.
    Code(u8),
    /// By this signal.
    Signal(u8),
}
