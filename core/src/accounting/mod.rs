//! Counting: what happened to hooks, each run and each kill once.

mod account;
pub mod ledger;

pub use account::{Account, account};
