//! Copies this program to where the containers of a Pod find it, and shows that it can be run there.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hooked_protocol::CHECK;

use crate::program::{NotStarted, Program};
use crate::spawn::run_to_its_end;

/// The exit code of an installer whose copy cannot be executed, as a shell has it.
const NOT_EXECUTABLE: u8 = 126;

/// Why the program is not there.
pub(crate) enum InstallError {
    /// It could not be copied to that place.
    Copy(PathBuf, io::Error),
    /// The copy may not be run there.
    Exec(NotStarted),
    /// The copy at that place has run, and ended with this or by a signal.
    Ended(PathBuf, Option<i32>),
}

/// Copies this program to `destination`, or into it under its own name if that is a directory. Whoever looks there sees
/// all of it or nothing; everybody may run it. A copy that cannot be run does not stay: no hook is to meet it.
pub(crate) fn install(destination: &Path) -> Result<(), InstallError> {
    let target = if destination.is_dir() { destination.join("hook-runner") } else { destination.to_owned() };
    copy(&target).map_err(|error| InstallError::Copy(destination.to_owned(), error))?;
    try_out(&target).inspect_err(|_| {
        // The container fails, so nobody comes to run what could not be removed.
        let _ = fs::remove_file(&target);
    })
}

fn copy(target: &Path) -> io::Result<()> {
    let mut unfinished = target.to_owned().into_os_string();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let mut copy = File::create(&unfinished)?;
    io::copy(&mut File::open("/proc/self/exe")?, &mut copy)?;
    copy.set_permissions(Permissions::from_mode(0o755))?;
    // An open file that is written to cannot be run.
    drop(copy);
    fs::rename(&unfinished, target)
}

/// Runs the program at that place, which does nothing. A volume that is mounted noexec, and a profile of `AppArmor` or
/// `SELinux`, show here, where nothing of the user's has started yet.
fn try_out(target: &Path) -> Result<(), InstallError> {
    let program = Program::find(&[target.into(), CHECK.into()], &[]).map_err(InstallError::Exec)?;
    match run_to_its_end(program).map_err(InstallError::Exec)? {
        Some(0) => Ok(()),
        ended => Err(InstallError::Ended(target.to_owned(), ended)),
    }
}

impl InstallError {
    /// What to exit with: what may pass is told from what stays as it is.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Exec(why) if !why.is_want() => NOT_EXECUTABLE,
            _ => 1,
        }
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(place, error) => write!(f, "cannot install to {}: {error}", place.display()),
            Self::Exec(error) => error.fmt(f),
            Self::Ended(place, Some(code)) => write!(f, "{}, tried out, ended with {code}", place.display()),
            Self::Ended(place, None) => write!(f, "{}, tried out, was killed", place.display()),
        }
    }
}
