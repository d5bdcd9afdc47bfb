//! Tells the user what is going on: one line a stage, with the time since the start.

use std::time::Instant;

/// A teller of stages, shared between threads.
pub struct Progress {
    started: Instant,
    sink: Box<dyn Fn(&str) + Send + Sync>,
}

impl Progress {
    /// Tells each line to `sink`, which decides where it goes.
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { started: Instant::now(), sink: Box::new(sink) }
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells one stage, with the seconds since this teller was made.
    pub fn say(&self, stage: &str) {
        (self.sink)(&format!("[{:6.1} s] {stage}", self.started.elapsed().as_secs_f64()));
    }
}
