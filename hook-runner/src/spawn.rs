//! Starts the hook's process, as it would have been without a runner: same program, arguments, environment, directory,
//! user, stdin and signals, and a session of its own, which container runtimes give to what they start.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{read, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal, setsid};

use crate::signals::set_mask;
use crate::streams::Streams;

/// The hook's process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    pub(crate) process: Pid,
    /// When it became the hook, as near as can be known: midway between its own last look at the clock and the
    /// runner's next, which on a busy machine comes milliseconds later.
    pub(crate) began: Instant,
}

/// Starts the command with its output going into the streams. It dies with the runner.
pub(crate) fn spawn(command: &[OsString], streams: &Streams, mask: SigSet) -> io::Result<Started> {
    let (stdout, stderr) = streams.for_hook()?;
    // Where there is no pipe left, the hook is worth more than a good clock.
    let (clock, clock_of_hook) = pipe_with(PipeFlags::CLOEXEC).ok().unzip();
    let (runner, before) = (getpid(), Instant::now());
    let mut hook = plain(command)?;
    hook.stdout(stdout).stderr(stderr);
    #[allow(unsafe_code, reason = "nothing else runs code in the child before it becomes the hook")]
    // SAFETY: the closure makes six system calls; it allocates nothing, takes no lock and touches no memory but its own,
    // and the runner has one thread. That is all that may happen between fork and exec.
    unsafe {
        hook.pre_exec(move || {
            setsid()?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // A runner that died before that call sends no signal any more.
            if getppid() != Some(runner) {
                return Err(rustix::io::Errno::CHILD.into());
            }
            set_mask(&mask)?;
            let since = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
            // Eight bytes fit into an empty pipe. That they could not be written is no reason not to start.
            let _ = clock_of_hook.as_ref().map(|clock| write(clock, &since.to_ne_bytes()));
            Ok(())
        });
    }
    // The runner reaps all its children itself, so the handle is only good for its number.
    let process = Pid::from_child(&hook.spawn()?);
    Ok(Started { process, began: midway(before + clock.as_ref().map_or(Duration::ZERO, told)) })
}

fn midway(earliest: Instant) -> Instant {
    earliest + earliest.elapsed() / 2
}

/// What the hook's process wrote before it became the hook. It has done so, or never will.
fn told(clock: &OwnedFd) -> Duration {
    let mut since = [0; 8];
    match fcntl_setfl(clock, OFlags::NONBLOCK).and_then(|()| read(clock, &mut since)) {
        Ok(8) => Duration::from_nanos(u64::from_ne_bytes(since)),
        _ => Duration::ZERO,
    }
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
