//! Starts the hook's process, as it would have been without a runner: same program, arguments, environment, directory,
//! user, stdin and signals, and a session of its own, which container runtimes give to what they start.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal, setsid};

use crate::signals::set_mask;
use crate::streams::Streams;

/// Starts the command with its output going into the streams. It dies with the runner.
pub(crate) fn spawn(command: &[OsString], streams: &Streams, mask: SigSet) -> io::Result<Pid> {
    let (stdout, stderr) = streams.for_hook()?;
    let runner = getpid();
    let mut hook = plain(command)?;
    hook.stdout(stdout).stderr(stderr);
    #[allow(unsafe_code, reason = "nothing else runs code in the child before it becomes the hook")]
    // SAFETY: the closure makes four system calls; it allocates nothing, takes no lock and touches no memory but its own,
    // and the runner has one thread. That is all that may happen between fork and exec.
    unsafe {
        hook.pre_exec(move || {
            setsid()?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // A runner that died before that call sends no signal any more.
            if getppid() != Some(runner) {
                return Err(rustix::io::Errno::CHILD.into());
            }
            Ok(set_mask(&mask)?)
        });
    }
    // The runner reaps all its children itself, so the handle is only good for its number.
    Ok(Pid::from_child(&hook.spawn()?))
}

/// Becomes the command, where there is not even room for a second process. Returns only if that failed.
pub(crate) fn become_it(command: &[OsString]) -> io::Error {
    match plain(command) {
        Ok(mut hook) => hook.stdout(Stdio::inherit()).stderr(Stdio::inherit()).exec(),
        Err(error) => error,
    }
}

fn plain(command: &[OsString]) -> io::Result<Command> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hook = Command::new(program);
    hook.args(arguments);
    Ok(hook)
}
