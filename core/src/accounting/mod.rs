//! Counting: what happened to hooks, each run and each kill once.

mod account;
pub mod ledger;
mod tracker;
mod unreported;
mod vanished;

pub use account::Account;
pub use tracker::{Heard, ReportTimes, RunningHooks, RunningTally, Tracker};
pub use vanished::count_vanished;
