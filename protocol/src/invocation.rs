//! How the runner is called.

/// Where the runner is found in a container.
pub const RUNNER_PATH: &str = "/.hooked/runner/hook-runner";
/// The option by which the runner reports success whatever the hook does.
pub const IGNORE_FAILURE: &str = "--ignore-failure";
/// The option by which the runner records into the termination log.
pub const TERMINATION_LOG: &str = "--termination-log";
/// The option by which the runner tells the operator of the run while it goes on.
pub const LIVE: &str = "--live";
