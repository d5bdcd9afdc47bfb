//! Starts the hook's process, as it would have been without a runner: same program, arguments, environment, directory,
//! user, stdin and signals, and a session of its own, which container runtimes give to what they start.

use std::convert::Infallible;
use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::sched::{CloneCb, CloneFlags, clone};
use nix::sys::signal::SigSet;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, chdir, getpid, getppid, set_parent_process_death_signal, setsid, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::program::{NotStarted, Program};
use crate::signals::set_mask;
use crate::streams::Streams;
use crate::turns;
use crate::waits::Waits;

/// Bytes of stack for what a child does before it becomes the hook: some system calls, and several times what they
/// take. Each page of it is cleared, which takes longer than a system call.
const STACK: usize = 16 * 1024;

/// The hook's process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    pub(crate) process: Pid,
    /// When it became the hook, as near as can be known.
    pub(crate) began: Instant,
}

/// Starts the command with its output going into the streams. The kernel kills the hook when the runner dies.
///
/// The child shares the runner's memory until it becomes the hook, and the runner waits for that: nothing is copied,
/// and the child's last look at the clock is there when the runner goes on.
pub(crate) fn spawn(
    (command, environment): (&[OsString], &[CString]),
    streams: &Streams,
    mask: SigSet,
    waits: &Waits,
) -> Result<Started, NotStarted> {
    let program = Program::find(command, environment)?;
    let (output, runner) = (streams.for_hook()?, getpid());
    let short = turns::take_short();
    let (mut began, mut failed) = (Instant::now(), None);
    let child = Box::new(|| {
        let hook = (&program, environment);
        let Err(error) = become_hook(hook, output, mask, runner, short, &mut began);
        failed = Some(error);
        127
    });
    let before = waits.so_far();
    let cloned = in_child(child);
    if cloned.is_err() && short {
        // The hook may yet replace the runner, and is to have ordinary turns then.
        turns::take_ordinary();
    }
    let process = cloned?;
    match failed {
        None => Ok(Started { process, began: begun(began, waits.woken(before)) }),
        Some(error) => {
            // The child has ended without becoming the hook.
            let _ = waitpid(Some(process), WaitOptions::empty());
            Err(program.failed(error))
        }
    }
}

/// Does this in a child that shares the runner's memory, and waits until the child has become another program or ended.
fn in_child(child: CloneCb<'_>) -> io::Result<Pid> {
    let mut stack = vec![0; STACK];
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK;
    #[allow(
        unsafe_code,
        reason = "a child that shares our memory is the fast way, and the one with the better clock"
    )]
    // SAFETY: the runner has one thread, which stands still until the child has become another program or ended:
    // whatever the child touches, nobody else does at that time. The stack has room for all that it calls.
    let process = unsafe { clone(child, &mut stack, flags, Some(Signal::CHILD.as_raw())) }?;
    Pid::from_raw(process.as_raw()).ok_or(io::ErrorKind::Other.into())
}

/// Has a copy of this program run beside the runner with a task, and these as its stdin, stdout and stderr.
pub(crate) fn spawn_copy(task: &CStr, [stdin, stdout, stderr]: [BorrowedFd<'_>; 3]) -> io::Result<Pid> {
    in_child(Box::new(|| {
        let become_copy = || -> Result<Infallible, Errno> {
            dup2_stdin(stdin)?;
            dup2_stdout(stdout)?;
            dup2_stderr(stderr)?;
            chdir(c"/")?;
            Program::this(task).become_it(&[])
        };
        let Err(_) = become_copy();
        127
    }))
}

/// Runs a program in an empty environment, with the same stdin, stdout and stderr. Returns what it has exited with;
/// none if a signal has ended it.
pub(crate) fn run_to_its_end(program: Program) -> Result<Option<i32>, NotStarted> {
    let mut failed = None;
    let process = in_child(Box::new(|| {
        let Err(error) = program.become_it(&[]);
        failed = Some(error);
        127
    }))?;
    let ended = waitpid(Some(process), WaitOptions::empty()).map_err(io::Error::from)?;
    match failed {
        Some(error) => Err(program.failed(error)),
        None => Ok(ended.and_then(|(_, status)| status.exit_status())),
    }
}

/// What the child does. Returns only if it could not become the hook.
fn become_hook(
    (program, environment): (&Program, &[CString]),
    (stdout, stderr): (BorrowedFd<'_>, BorrowedFd<'_>),
    mask: SigSet,
    runner: Pid,
    short: bool,
    began: &mut Instant,
) -> Result<Infallible, Errno> {
    dup2_stdout(stdout)?;
    dup2_stderr(stderr)?;
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A runner that died before that call sends no signal any more.
    if getppid() != Some(runner) {
        return Err(Errno::CHILD);
    }
    if short {
        turns::take_ordinary();
    }
    set_mask(&mask)?;
    *began = Instant::now();
    program.become_it(environment)
}

/// When the child became the hook: when it woke the runner. Where the runner had no time to fall asleep nobody knows,
/// and an exec takes less than a millisecond after the child's last look at the clock.
fn begun(earliest: Instant, woken: Instant) -> Instant {
    const HALF_AN_EXEC: Duration = Duration::from_micros(500);
    if woken > earliest { woken } else { earliest + (earliest.elapsed() / 2).min(HALF_AN_EXEC) }
}

/// Becomes the command, where there is not even room for a second process. Returns only if that failed.
pub(crate) fn become_it(command: &[OsString], environment: &[CString]) -> NotStarted {
    match Program::find(command, environment) {
        Ok(program) => {
            let Err(error) = program.become_it(environment);
            program.failed(error)
        }
        Err(error) => error,
    }
}
