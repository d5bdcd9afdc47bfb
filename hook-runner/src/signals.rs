//! Signals as a descriptor to read from. Blocked signals interrupt no system call of the runner, and none is lost.
//!
//! The kernel tells who has sent a signal, and that decides whether the signal is for the hook. One from outside the
//! container's PID namespace (whose sender has the number 0), or from the runtime's process (the runner's parent), has
//! come by way of the runner alone, so the runner passes it on. Whoever is inside the container sees the hook itself,
//! and has sent it what is meant for it: `kill -TERM -1` reaches the hook and the runner, and passed on it would reach
//! the hook twice, or reach the hook that has sent it, which `kill` spares.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, BorrowedFd};

use nix::libc;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getppid};

/// The signals that were sent to the runner since [`Signals::block`].
pub(crate) struct Signals {
    queue: SignalFd,
    original: SigSet,
}

/// What a signal that arrived is to the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// A child changed its state.
    Child,
    /// A signal of this number that is meant for the hook.
    ForHook(i32),
}

impl Signals {
    /// Blocks every signal and queues it instead, also those that tell of a fault: where the runner itself has the
    /// fault, the kernel ends it whatever is blocked.
    pub(crate) fn block() -> nix::Result<Self> {
        let all = all();
        let original = block(&all)?;
        let queue =
            SignalFd::with_flags(&all, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).inspect_err(|_| {
                let _ = original.thread_set_mask();
            })?;
        Ok(Self { queue, original })
    }

    /// The signal mask that the runner was started with, and that the hook is to have.
    pub(crate) fn original(&self) -> SigSet {
        self.original
    }

    /// The next signal that arrived, if any.
    pub(crate) fn next(&self) -> Option<Arrived> {
        loop {
            let arrived = self.queue.read_signal().ok()??;
            match i32::try_from(arrived.ssi_signo) {
                Ok(number) if number == Signal::CHILD.as_raw() => return Some(Arrived::Child),
                Ok(number) if is_for_hook(&arrived) => return Some(Arrived::ForHook(number)),
                _ => {}
            }
        }
    }
}

/// Every signal. C libraries keep some of them to themselves, and leave those out of sets that they fill.
fn all() -> SigSet {
    #[allow(unsafe_code, reason = "no library makes a set of signals that have only a number")]
    // SAFETY: a set is a row of bits that begins with the kernel's 64, and each value of them is one.
    unsafe {
        let mut set: libc::sigset_t = zeroed();
        (&raw mut set).cast::<u64>().write(u64::MAX);
        SigSet::from_sigset_t_unchecked(set)
    }
}

/// Blocks these signals and returns those that were blocked before. A C library would leave out what it keeps to
/// itself.
fn block(set: &SigSet) -> nix::Result<SigSet> {
    #[allow(unsafe_code, reason = "no library tells of all signals which are blocked")]
    // SAFETY: the kernel reads from the one set and writes to the other as many bytes as it is told.
    unsafe {
        let mut before: libc::sigset_t = zeroed();
        let (set, bytes) = (&raw const *set.as_ref(), size_of::<u64>());
        let call = libc::SYS_rt_sigprocmask;
        nix::Error::result(libc::syscall(call, libc::SIG_BLOCK, set, &raw mut before, bytes))?;
        Ok(SigSet::from_sigset_t_unchecked(before))
    }
}

/// Whether another process has sent the signal, and one that has no other way to the hook.
fn is_for_hook(arrived: &siginfo) -> bool {
    let parent = getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    let is_sent = arrived.ssi_code <= 0;
    is_sent && (arrived.ssi_pid == 0 || i32::try_from(arrived.ssi_pid) == Ok(parent))
}

/// Sends the process a signal of this number. A process that is gone by now needs no signal.
pub(crate) fn send(process: Pid, signal: i32) {
    #[allow(
        unsafe_code,
        reason = "no library sends all signals: those for real-time programs have numbers alone"
    )]
    // SAFETY: the call takes two numbers and touches no memory.
    unsafe {
        libc::kill(process.as_raw_nonzero().get(), signal);
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// Sets the signal mask. For between fork and exec: one system call, nothing else.
pub(crate) fn set_mask(mask: &SigSet) -> Result<(), Errno> {
    mask.thread_set_mask().map_err(|error| Errno::from_raw_os_error(error as i32))
}
