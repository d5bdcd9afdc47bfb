//! How the operator calls the runner: the words that stand in front of a hook's own command in a Pod's spec.
//!
//! The operator writes them by [`Invocation::to_command`], the runner reads them by [`Invocation::from_words`], and the
//! operator reads back from a Pod's spec by [`Invocation::from_command`] what the Pod's runner was asked for. Arguments
//! alone carry an invocation: the hook would see an environment variable. One short word carries all of it, since every
//! process of the container can read the runner's words until the runner blanks them.
//!
//! ```text
//! /.hooked/runner/hook-runner PreStop=web,records,log,budget=1536,timeout=30,live sh -c …
//! ```

mod compact;
mod error;
mod options;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::hook::Hook;
use crate::limits::{MAX_BUDGET, MAX_OUTPUT};

pub use error::InvocationError;

/// Where the runner is found in a container.
pub const RUNNER_PATH: &str = "/.hooked/runner/hook-runner";
/// Where the runners of a Pod count executions, unless told otherwise.
pub const RECORD_DIR: &str = "/.hooked/records";
/// The volume that says how to reach the operator, unless the runner is told otherwise.
pub const LIVE_DIR: &str = "/.hooked/live";
/// Where the kubelet puts a container's termination log unless the container's spec says otherwise.
pub const DEFAULT_LOG: &str = "/dev/termination-log";
/// The task of the runner in front of options, as earlier operators called it: the first word after the program.
pub const RUN: &str = "run";

/// The options of [`RUN`].
mod option {
    pub(super) const CONTAINER: &str = "--container";
    pub(super) const HOOK: &str = "--hook";
    pub(super) const RECORD_DIR: &str = "--record-dir";
    /// The option by which the runner records into the termination log.
    pub const TERMINATION_LOG: &str = "--termination-log";
    pub(super) const BUDGET: &str = "--budget";
    pub(super) const TIMEOUT: &str = "--timeout";
    pub(super) const RETRIES: &str = "--retries";
    pub(super) const RETRY_DELAY: &str = "--retry-delay";
    pub(super) const OUTPUT_BYTES: &str = "--output-bytes";
    /// The option by which the runner reports success whatever the hook does.
    pub const IGNORE_FAILURE: &str = "--ignore-failure";
    /// The option by which the runner tells the operator of the run while it goes on.
    pub const LIVE: &str = "--live";
}

pub use option::{IGNORE_FAILURE, LIVE, TERMINATION_LOG};

/// A hook, and how the runner is to run and record it.
///
/// The fields are the options as written, `None` for an option that is absent. The methods say what the options come
/// to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The container's name; never empty.
    pub container: String,
    /// Which hook.
    pub hook: Hook,
    /// The directory where the runner counts executions; without it executions have no number.
    pub record_dir: Option<PathBuf>,
    /// The container's termination log; without it the runner writes no record.
    pub termination_log: Option<PathBuf>,
    /// Bytes that the termination log may hold in all after the runner wrote to it; see [`Self::log_budget`].
    pub budget: Option<usize>,
    /// Seconds that each attempt may take; see [`Self::timeout`].
    pub timeout: Option<u32>,
    /// Further attempts after a failure; see [`Self::attempts`].
    pub retries: Option<u32>,
    /// Seconds between two attempts; see [`Self::retry_delay`].
    pub retry_delay: Option<u32>,
    /// Whether a failure is only recorded, and the runner reports success.
    pub ignore_failure: bool,
    /// Bytes of the hook's output to record; see [`Self::recorded_output`].
    pub output_bytes: Option<usize>,
    /// The volume that says how to reach the operator while the hook runs; without it the runner does not.
    pub live: Option<PathBuf>,
    /// The hook's own program and its arguments; never empty where [`Self::from_args`] has read it.
    pub command: Vec<OsString>,
}

impl Invocation {
    /// The invocation of a hook without any option.
    pub fn new(container: String, hook: Hook, command: Vec<OsString>) -> Self {
        Self {
            container,
            hook,
            record_dir: None,
            termination_log: None,
            budget: None,
            timeout: None,
            retries: None,
            retry_delay: None,
            ignore_failure: false,
            output_bytes: None,
            live: None,
            command,
        }
    }

    /// Bytes that the termination log may hold in all: none unless given, and no more than the kubelet reads.
    pub fn log_budget(&self) -> usize {
        self.budget.unwrap_or(0).min(MAX_BUDGET)
    }

    /// How long each attempt may take; `None` for as long as it likes, which 0 seconds mean as well.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// How often the hook is tried at most: once, and as often again as there are retries.
    pub fn attempts(&self) -> u32 {
        self.retries.unwrap_or(0).saturating_add(1)
    }

    /// The time between two attempts: a second unless given.
    pub fn retry_delay(&self) -> Duration {
        Duration::from_secs(self.retry_delay.unwrap_or(1).into())
    }

    /// Bytes of the hook's output that a record keeps: none unless given, and no more than [`MAX_OUTPUT`].
    pub fn recorded_output(&self) -> usize {
        self.output_bytes.unwrap_or(0).min(MAX_OUTPUT)
    }
}
