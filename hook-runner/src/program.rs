//! Finds and becomes a program as a container runtime does, and says what a runtime says where that fails.
//!
//! runc looks for the program along PATH (`libcontainer/setns_init_linux.go`, Go's `exec.LookPath`) and then has the
//! kernel run what it found, whatever that is. A C library does more: it has places of its own where PATH is not set,
//! goes on after a file that it may not run, and has a shell run a file that the kernel does not know how to run.

use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::execve;
use rustix::fs::{Access, FileType, access, stat};
use rustix::io::Errno;

/// What a program that is there and cannot be run is reported by: since version 1.2 runc ends with this.
const EXEC_FAILED: u8 = 255;
/// Before a process is there at all a runtime has no exit code. These are a shell's.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// A program with all that it is run with.
pub(crate) struct Program {
    path: CString,
    words: Vec<CString>,
}

/// Why a command could not be started.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// The command's name leads to no program.
    Found(OsString, Search),
    /// The kernel does not run the program.
    Exec(CString, Errno),
    /// The machine lacks something, or a word is none.
    Lack(io::Error),
}

/// What a search ended with.
#[derive(Debug)]
pub(crate) enum Search {
    /// No place along PATH has it.
    Nowhere,
    /// The first place that has it is named from the working directory.
    Relative,
    /// This file, which the name is the path of, cannot be looked at.
    Stat(Errno),
    /// It may not be run.
    Access(Errno),
}

impl Program {
    /// Finds the program of a command, by the PATH of its environment.
    pub(crate) fn find(command: &[OsString], environment: &[CString]) -> Result<Self, NotStarted> {
        let invalid = || NotStarted::Lack(io::ErrorKind::InvalidInput.into());
        let name = command.first().ok_or_else(invalid)?;
        let path = find(name, path_in(environment)).map_err(|why| NotStarted::Found(name.clone(), why))?;
        let c_string = |word: &OsStr| CString::new(word.as_bytes()).map_err(|_| invalid());
        let words = command.iter().map(|word| c_string(word)).collect::<Result<_, _>>()?;
        Ok(Self { path: c_string(path.as_os_str())?, words })
    }

    /// This program, with one word after its name.
    pub(crate) fn this(word: &CStr) -> Self {
        Self { path: c"/proc/self/exe".to_owned(), words: vec![c"hook-runner".to_owned(), word.to_owned()] }
    }

    /// Becomes the program. Returns only if that failed.
    pub(crate) fn become_it(&self, environment: &[CString]) -> Result<Infallible, Errno> {
        execve(&self.path, &self.words, environment).map_err(|error| Errno::from_raw_os_error(error as i32))
    }

    /// The failure of [`Self::become_it`].
    pub(crate) fn failed(self, error: Errno) -> NotStarted {
        NotStarted::Exec(self.path, error)
    }
}

/// The value of PATH; of several the first.
fn path_in(environment: &[CString]) -> &[u8] {
    environment.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH=")).unwrap_or_default()
}

fn find(name: &OsStr, path: &[u8]) -> Result<PathBuf, Search> {
    if name.as_bytes().contains(&b'/') {
        return look_at(Path::new(name)).map(|()| name.into());
    }
    let places = path.split(|byte| *byte == b':').filter(|_| !path.is_empty());
    // An empty place is the working directory.
    let mut files =
        places.map(|place| Path::new(OsStr::from_bytes(place)).join(name).components().collect::<PathBuf>());
    let found = files.find(|file| look_at(file).is_ok()).ok_or(Search::Nowhere)?;
    if found.is_absolute() { Ok(found) } else { Err(Search::Relative) }
}

/// Whether this is a file that may be run.
fn look_at(file: &Path) -> Result<(), Search> {
    let kind = FileType::from_raw_mode(stat(file).map_err(Search::Stat)?.st_mode);
    if kind == FileType::Directory {
        return Err(Search::Access(Errno::ISDIR));
    }
    access(file, Access::EXEC_OK).map_err(Search::Access)
}

impl NotStarted {
    /// What the runner exits with in the command's place.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Found(_, Search::Nowhere | Search::Stat(Errno::NOENT)) => NOT_FOUND,
            Self::Found(..) | Self::Lack(_) => NOT_EXECUTABLE,
            Self::Exec(..) => EXEC_FAILED,
        }
    }

    /// Whether the machine lacked what a second process takes, so that the hook may yet start in the runner's place.
    pub(crate) fn is_want(&self) -> bool {
        let kind = match self {
            Self::Lack(error) => error.kind(),
            Self::Exec(_, error) => error.kind(),
            Self::Found(..) => return false,
        };
        matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
    }
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        Self::Lack(error)
    }
}

/// The words of runc.
impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(name, why) => {
                let name = name.to_string_lossy();
                write!(f, "exec: {name:?}: ")?;
                match why {
                    Search::Nowhere => f.write_str("executable file not found in $PATH"),
                    Search::Relative => {
                        f.write_str("cannot run executable found relative to current directory")
                    }
                    Search::Stat(error) => write!(f, "stat {name}: {}", words_of(*error)),
                    Search::Access(error) => f.write_str(&words_of(*error)),
                }
            }
            Self::Exec(path, error) => write!(f, "exec {}: {}", text(path), words_of(*error)),
            Self::Lack(error) => write!(f, "exec: {error}"),
        }
    }
}

fn text(path: &CStr) -> std::borrow::Cow<'_, str> {
    path.to_string_lossy()
}

/// The error as Go puts it: the C library's words in lower case.
fn words_of(error: Errno) -> String {
    let words = io::Error::from(error).to_string();
    words.split(" (os error").next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found along this PATH, or why nothing is, as runc 1.1.5 and Go 1.24 say.
    fn check(name: &str, path: &str, expect: &str) {
        let environment = [CString::new(format!("PATH={path}")).unwrap(), c"PATH=/bin".to_owned()];
        let found = Program::find(&[name.into()], &environment);
        let said = found.map_or_else(|why| why.to_string(), |program| text(&program.path).into_owned());
        assert_eq!(said, expect, "{name} along {path}");
    }

    #[test]
    fn a_program_is_found_where_a_container_runtime_finds_it() {
        check("sh", "/nowhere:/etc/passwd:/bin//", "/bin/sh");
        check("sh", "/proc:/bin", "/bin/sh");
        check("/bin/../bin/sh", "", "/bin/../bin/sh");
        check("sh", "", "exec: \"sh\": executable file not found in $PATH");
        check("passwd", "/etc", "exec: \"passwd\": executable file not found in $PATH");
        check("src", ":/bin", "exec: \"src\": executable file not found in $PATH");
        check("../../bin/sh", "/bin", "exec: \"../../bin/sh\": stat ../../bin/sh: no such file or directory");
        check("/no/such", "", "exec: \"/no/such\": stat /no/such: no such file or directory");
        check("/etc", "", "exec: \"/etc\": is a directory");
        check("/etc/passwd", "", "exec: \"/etc/passwd\": permission denied");
        check("/etc/passwd/x", "", "exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory");
    }

    #[test]
    fn without_path_nothing_is_found() {
        assert!(Program::find(&["sh".into()], &[]).is_err());
    }
}
