//! What the program was given when it was started, taken out of where every process of the container can read it.
//!
//! `/proc/PID/cmdline` and `/proc/PID/environ` show the memory into which the kernel has put words and environment. A
//! hook that looks for a process by words of its command line, as `pgrep -f` does, is to find those that it would find
//! without a runner. So the runner copies what it needs and blanks the rest, and its name, before it starts the hook.

use std::ffi::{CStr, CString, OsString, c_char};
use std::os::unix::ffi::OsStringExt;

/// The program's words without its name, and the environment that it was started with.
pub struct Handed {
    pub(crate) words: Vec<OsString>,
    /// As `NAME=value`.
    pub(crate) environment: Vec<CString>,
}

impl Handed {
    /// Takes what the program was started with, and leaves blanks of the same length.
    ///
    /// # Safety
    /// Both are what `main` was called with, nobody has another reference to the strings, and nobody looks for anything
    /// in the environment from now on.
    #[allow(unsafe_code, reason = "what a program is started with is given to it as C does that")]
    pub unsafe fn take(words: *const *mut c_char, environment: *const *mut c_char) -> Self {
        // SAFETY: as the caller promises; each list ends with a null.
        let (words, environment) = unsafe { (take_all(words), take_all(environment)) };
        // No name is one that a search does not find. Whoever wants to know what this is sees /proc/PID/exe.
        let _ = rustix::thread::set_name(c"");
        let words = words.into_iter().skip(1).map(|word| OsString::from_vec(word.into_bytes())).collect();
        Self { words, environment }
    }
}

/// Copies each string of a list that a null ends, and overwrites the string with zeros.
#[allow(unsafe_code, reason = "what a program is started with is given to it as C does that")]
unsafe fn take_all(list: *const *mut c_char) -> Vec<CString> {
    let mut taken = Vec::new();
    for index in 0.. {
        // SAFETY: the list goes on until its null, where the loop ends; its strings are ours to write to.
        unsafe {
            let string = *list.add(index);
            if string.is_null() {
                break;
            }
            let copy = CStr::from_ptr(string).to_owned();
            string.write_bytes(0, copy.count_bytes());
            taken.push(copy);
        }
    }
    taken
}
