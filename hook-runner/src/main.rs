//! The program: carries out what the arguments say, and runs no code before that.
#![no_main]

use std::ffi::{c_char, c_int};

use dlmalloc::GlobalDlmalloc;
use hook_runner::{Handed, perform};

#[global_allocator]
static HEAP: GlobalDlmalloc = GlobalDlmalloc;

/// Where the program starts. Rust's own start would come before: it looks up the stack, makes another for faults and
/// ignores SIGPIPE, which takes a fifth of the time that the runner may add to a hook, for nothing that is needed here.
#[allow(unsafe_code, reason = "a program without Rust's own start has to be found under this name")]
// SAFETY: no other function of the program has this name, and it is the signature that a C program starts with.
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, words: *const *mut c_char, environment: *const *mut c_char) -> c_int {
    #[allow(unsafe_code, reason = "what a program is started with is given to it as C does that")]
    // SAFETY: these are what the C library calls `main` with. Nothing has run before, and nothing in this program asks
    // the C library for the environment.
    let handed = unsafe { Handed::take(words, environment) };
    c_int::from(perform(handed))
}
