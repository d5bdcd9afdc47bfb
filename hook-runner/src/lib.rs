//! Runs an exec hook inside its container and records what happened.
//!
//! ```text
//! hook-runner run --container NAME --hook PostStart|PreStop
//!                 [--record-dir DIR]             count executions there
//!                 [--termination-log FILE --budget BYTES]  write records there, while FILE stays within BYTES (≤ 4096)
//!                 [--timeout SECONDS]            for each attempt; 0 or absent: none
//!                 [--retries N] [--retry-delay SECONDS]    none, and 1, unless told otherwise
//!                 [--ignore-failure]             exit with 0 whatever happens
//!                 [--output-bytes N]             record so much of the output (≤ 1024)
//!                 [--live DIR]                   tell the operator while the hook runs, and let it stop the hook
//!                 -- COMMAND ARG…
//! hook-runner install DEST
//! hook-runner check [IP:PORT]
//! ```
//! `run` stands where the kubelet would start COMMAND, and exits as COMMAND does: with its code, or 128 and the number
//! of the signal that ended it. 127 and 126 are for a command that is not there or cannot be started, 124 for one that
//! was timed out and yet exited with 0, 143 for one that the operator stopped and that yet exited with 0, or that was
//! not begun since the operator stopped the Pod's hooks, 125 for arguments that make no sense. `install` copies this
//! program to where the containers of a Pod find it. The program needs no shell, no library and no file but itself.
//! `check` shows that it can be run, and ends with 1 if nobody takes a connection there.
//!
//! - [`arguments`] says what is asked; [`run`] does it: attempts, timeout, retries, one outcome.
//! - [`spawn`] starts the hook's process, [`attempt`] watches it, [`descendants`] finds its descendants.
//! - [`watch`] is the only place that waits: for [`signals`], for output on its way through [`streams`], for a time.
//! - [`live`] speaks with the operator meanwhile: the operator may have the hook stopped, and hears how the hook ended.
//!   For that the runner waits 100 ms after the hook's end at most. [`cancelled`] keeps hooks from being begun in a Pod
//!   that is to be removed; [`resident`] keeps the runner small while it waits.
//! - [`turns`] and [`waits`] keep a busy machine's delays of the runner out of the hook's duration.
//! - [`recorder`] writes down what happened, into the [`record_dir`] and the [`termination_log`]. None of its failures
//!   reaches the hook.
//! - [`leftover`] keeps alive what the hook leaves behind; [`complain`](mod@complain) tells of trouble on stderr.

mod arguments;
mod attempt;
mod cancelled;
mod check;
mod complain;
mod descendants;
mod install;
mod leftover;
mod live;
mod patience;
mod record_dir;
mod recorder;
mod resident;
mod run;
mod signals;
mod spawn;
mod streams;
mod tail;
mod termination_log;
mod turns;
mod waits;
mod watch;

use std::ffi::OsString;

use arguments::Task;
use complain::complain;

/// The exit code of a runner that does not understand its arguments. The runner never changes a hook's own exit code to
/// this one.
const MISUSED: u8 = 125;

/// Does what the arguments say, and returns what to exit with.
pub fn perform(arguments: impl Iterator<Item = OsString>) -> u8 {
    match Task::from_arguments(arguments) {
        Ok(Task::Run(invocation)) => run::run(&invocation),
        Ok(Task::Install { destination }) => match install::install(&destination) {
            Ok(()) => 0,
            Err(error) => {
                complain(&format!("cannot install to {}: {error}", destination.display()));
                1
            }
        },
        Ok(Task::Check { address }) => match check::check(address) {
            Ok(()) => 0,
            Err(error) => {
                complain(&format!("cannot connect: {error}"));
                1
            }
        },
        Ok(Task::Swallow) => {
            leftover::swallow();
            0
        }
        Err(error) => {
            complain(&error.to_string());
            MISUSED
        }
    }
}
