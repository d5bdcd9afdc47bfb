//! Copies this program to where the containers of a Pod find it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Copies this program to `destination`, or into it under its own name if that is a directory. Whoever looks there sees
/// all of it or nothing; everybody may run it.
pub(crate) fn install(destination: &Path) -> io::Result<()> {
    let target = if destination.is_dir() { destination.join("hook-runner") } else { destination.to_owned() };
    let mut unfinished = target.clone().into_os_string();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let mut copy = File::create(&unfinished)?;
    io::copy(&mut File::open("/proc/self/exe")?, &mut copy)?;
    copy.set_permissions(Permissions::from_mode(0o755))?;
    // An open file that is written to cannot be run.
    drop(copy);
    fs::rename(&unfinished, &target)
}
