//! Runs an exec hook inside its container and records what happened.
//!
//! ```text
//! hook-runner (PostStart|PreStop)=CONTAINER[,ITEM…] COMMAND ARG…
//!     records[=DIR]             count executions there
//!     log[=FILE],budget=BYTES   write records there, while FILE stays within BYTES (≤ 4096)
//!     timeout=SECONDS           for each attempt; 0 or absent: none
//!     retries=N  delay=SECONDS  none, and 1, unless told otherwise
//!     ignore                    exit with 0 whatever happens
//!     output=N                  record so much of the output (≤ 1024)
//!     live[=DIR]                tell the operator of the run, and let it stop a postStart hook
//! hook-runner install DEST
//! hook-runner check [IP:PORT]
//! ```
//! The first stands where the kubelet would start COMMAND, and exits as COMMAND does: with its code, or 128 and the
//! number of the signal that ended it. 127 and 126 are for a command that is not there or may not be run, 255 for one
//! that the kernel does not run, 124 for one that was timed out and yet exited with 0, 143 for one that the operator
//! stopped and that yet exited with 0, or that was not begun since the operator stopped the Pod's hooks, 125 for
//! arguments that make no sense. `install` copies this program to where the containers of a Pod find it, and runs the
//! copy: 126 if that may not be run there, 1 for all else that fails. The program needs no shell, no library and no
//! file but itself.
//! `check` shows that the program can be run and says in the termination log which program that is; with an address it
//! says nothing, and ends with 1 if nobody takes a connection there.
//!
//! - [`handed`] takes words and environment out of where a hook that searches would find them.
//! - [`arguments`] says what is asked; [`run`] does it: attempts, timeout, retries, one outcome.
//! - [`program`] finds what the hook runs, [`spawn`] starts its process, [`attempt`] watches it, [`descendants`] finds
//!   its descendants.
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
mod handed;
mod install;
mod leftover;
mod live;
mod patience;
mod program;
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

use arguments::Task;
use complain::complain;
pub use handed::Handed;

/// The exit code of a runner that does not understand its arguments. The runner never changes a hook's own exit code to
/// this one.
const MISUSED: u8 = 125;

/// Does what the words say, and returns what to exit with.
pub fn perform(Handed { words, environment }: Handed) -> u8 {
    match Task::from_words(words) {
        Ok(Task::Run(invocation)) => run::run(&invocation, &environment),
        Ok(Task::Install { destination }) => match install::install(&destination) {
            Ok(()) => 0,
            Err(error) => {
                complain(&error.to_string());
                error.code()
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
