//! Signals as a descriptor to read from. Blocked signals interrupt no system call of the runner, and none is lost.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::Errno;

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
    /// A signal that is meant for the hook.
    ForHook(rustix::process::Signal),
}

impl Signals {
    /// Blocks every signal that may be for the hook, and queues it instead.
    pub(crate) fn block() -> nix::Result<Self> {
        let mut all: SigSet = Signal::iterator().collect();
        // These tell of a fault in the runner itself; blocked, they would kill it without a trace.
        for fault in
            [Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGSEGV, Signal::SIGSYS, Signal::SIGTRAP]
        {
            all.remove(fault);
        }
        let original = all.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
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
            let number = self.queue.read_signal().ok()??.ssi_signo;
            let signal = i32::try_from(number).ok().and_then(rustix::process::Signal::from_named_raw);
            match signal {
                Some(rustix::process::Signal::CHILD) => return Some(Arrived::Child),
                Some(signal) => return Some(Arrived::ForHook(signal)),
                None => {}
            }
        }
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
