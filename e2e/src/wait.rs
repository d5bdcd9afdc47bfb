//! Waiting for a condition, and saying what was seen last if it never comes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a scenario waits for something that takes moments on an idle machine, where this one runs several clusters.
pub const DEADLINE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until `look` finds what is awaited. What `look` says instead is the state that a failure tells of.
pub async fn wait_for<T>(what: &str, look: impl AsyncFnMut() -> Result<Result<T, String>>) -> Result<T> {
    wait_within(DEADLINE, what, look).await
}

/// The same with a deadline of its own.
pub async fn wait_within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        // A look that fails may do better next time, as when the operator is away.
        let last = match look().await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(state)) => state,
            Err(error) => format!("{error:#}"),
        };
        if began.elapsed() >= deadline {
            bail!("{what}: not within {} s; last seen: {last}", deadline.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
