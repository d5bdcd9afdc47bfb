//! Inference, told as stories.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is its report")]

mod corners;
mod explain;
mod fixtures;
mod gaps;
mod live;
mod merging;
mod next_operator;
mod records;
mod restarts;
mod stuck;
mod transcripts;
mod traps;
