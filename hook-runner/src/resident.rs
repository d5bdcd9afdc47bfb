//! How much memory the runner takes while it waits.

use std::ffi::c_void;

use rustix::mm::{Advice, madvise};
use rustix::param::page_size;

#[allow(unsafe_code, reason = "what the linker knows is found under these names only")]
// SAFETY: every linker of the platform gives these two addresses, with which nothing is done but to compare them.
unsafe extern "C" {
    /// Where the program's file begins in memory.
    static __executable_start: u8;
    /// What it writes to begins with this, behind code and constants.
    static __init_array_start: u8;
}

/// Gives back the memory of code and constants, three quarters of which are only needed to shake hands. Whatever of it
/// is needed again is read from the program's file when it is.
pub(crate) fn let_go_of_code() {
    let page = page_size();
    let start = (&raw const __executable_start).cast_mut();
    let length = (&raw const __init_array_start as usize).saturating_sub(start as usize) / page * page;
    if !(start as usize).is_multiple_of(page) {
        return;
    }
    #[allow(unsafe_code, reason = "there is no other way to give back memory that is mapped")]
    // SAFETY: from its beginning to the page that its writable part begins on, the program is mapped from its file and
    // never written to, so what is dropped comes back as it was.
    let _ = unsafe { madvise(start.cast::<c_void>(), length, Advice::LinuxDontNeed) };
}
