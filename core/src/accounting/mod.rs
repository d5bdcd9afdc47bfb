//! Counting: what happened to hooks, each run and each kill once.

mod account;
pub mod ledger;
mod tracker;
mod unreported;

pub use account::Account;
pub use tracker::{Heard, ReportTimes, RunningHooks, RunningTally, Tracker};
