//! The runner, run: real processes, real files, real signals.
//!
//! `HOOK_RUNNER` names another build to be tested, such as the static one. `HOOK_RUNNER_FUZZ_CASES` says how many cases
//! of exit codes and signals to go through.
#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]
#![allow(clippy::print_stderr, reason = "a test that cannot be made here says so")]

mod check;
mod confined;
mod fuzz;
mod killed;
mod leftovers;
mod live;
mod live_trouble;
mod operator;
mod passes_through;
mod policy;
mod records;
mod stopped;
mod support;
mod trouble;
