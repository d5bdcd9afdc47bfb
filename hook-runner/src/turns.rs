//! How soon the runner runs when its hook ends: on a busy machine the runner would wait for milliseconds, and count
//! them as the hook's.
//!
//! Since Linux 6.12 a process that asks for short turns gets its turns sooner, and no more processor time than others.
//! Older kernels, and those that do not allow it, schedule the runner as any process.

use std::mem::{size_of, zeroed};

use nix::libc;

/// The shortest turn that the kernel gives, in nanoseconds.
const SHORT: u64 = 100_000;
/// The kernel's own choice.
const ORDINARY: u64 = 0;

/// Asks for short turns. False if it was not granted, if the kernel knows of none, or if somebody has chosen another
/// policy than the ordinary one.
pub(crate) fn take_short() -> bool {
    ask_for(SHORT)
}

/// Goes back to turns of ordinary length, as the hook is to have them. For between clone and exec: two system calls.
pub(crate) fn take_ordinary() {
    ask_for(ORDINARY);
}

fn ask_for(runtime: u64) -> bool {
    #[allow(unsafe_code, reason = "no library has these two system calls")]
    // SAFETY: the structure is plain numbers, for which zero is a value, and the kernel is told its size.
    unsafe {
        let mut attributes: libc::sched_attr = zeroed();
        let size = size_of::<libc::sched_attr>();
        if libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) != 0
            || i64::from(attributes.sched_policy) != i64::from(libc::SCHED_OTHER)
            // A kernel that knows turns tells how long they are, and another takes the wish without fulfilling it.
            || attributes.sched_runtime == 0
        {
            return false;
        }
        attributes.sched_runtime = runtime;
        libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) == 0
    }
}
