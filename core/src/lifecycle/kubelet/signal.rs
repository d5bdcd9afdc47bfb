//! Exit statuses that mean a signal, and where SIGKILL is possible.

use hooked_protocol::{Ending, Exit};

use super::{End, PostStartError};

/// The signal that an exit status usually means.
pub fn signal_of(exit_code: i32) -> Option<&'static str> {
    Some(match exit_code {
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        SIGKILLED => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        143 => "SIGTERM",
        _ => return None,
    })
}

/// The exit status of a process that got SIGKILL.
const SIGKILLED: i32 = 137;
const SIGKILL: u8 = 9;

/// Whether an exit status is that of a program that got SIGKILL. The program may also have chosen that exit
/// status: it proves nothing alone.
pub(in crate::lifecycle) fn may_be_sigkill(end: &End) -> bool {
    end.exit_code == SIGKILLED && !end.made_up
}

/// Whether a container may have been killed because memory ran out. The runtime says `OOMKilled` also where
/// another process of the container was killed, a child or a hook, and the program ended as it chose (k/k#104454).
pub fn may_be_killed_by_memory(end: &End) -> bool {
    end.out_of_memory && may_be_sigkill(end)
}

/// Whether SIGKILL ended a hook: the hook's process itself, or a program that a shell ran last in it.
pub(in crate::lifecycle) fn hook_got_sigkill(ending: &Ending) -> bool {
    match ending.exit {
        Some(Exit::Signal(signal)) => signal == SIGKILL,
        Some(Exit::Code(code)) => i32::from(code) == SIGKILLED,
        None => false,
    }
}

/// Whether a failed postStart hook may have got SIGKILL.
pub(in crate::lifecycle) fn hook_may_be_sigkilled(error: PostStartError) -> bool {
    error.exit_code == Some(SIGKILLED)
}
