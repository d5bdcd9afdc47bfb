//! Finds and undoes the mounts below a directory.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::mount::{UnmountFlags, unmount};

/// Mount points at or below `directory`, the innermost first.
pub(crate) fn below(directory: &Path) -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut points: Vec<PathBuf> = points(&table).filter(|point| point.starts_with(directory)).collect();
    points.reverse();
    Ok(points)
}

/// Unmounts all of them. A mount that is busy is detached: its last user, which we have just killed, frees it.
pub(crate) fn clear(directory: &Path) -> Result<()> {
    for point in below(directory)? {
        unmount(&point, UnmountFlags::DETACH)
            .with_context(|| format!("cannot unmount {}", point.display()))?;
    }
    Ok(())
}

fn points(table: &str) -> impl Iterator<Item = PathBuf> {
    table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape)
}

/// The kernel writes blanks and backslashes in paths as a backslash and three octal digits.
fn unescape(field: &str) -> PathBuf {
    let bytes = field.as_bytes();
    let (mut path, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let octal = field.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = octal.filter(|_| bytes[at] == b'\\') {
            path.push(byte);
            at += 4;
        } else {
            path.push(bytes[at]);
            at += 1;
        }
    }
    PathBuf::from(OsString::from_vec(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let table = "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:5 / /a\\040b rw - tmpfs t rw\n";
        assert_eq!(points(table).collect::<Vec<_>>(), [PathBuf::from("/"), PathBuf::from("/a b")]);
    }
}
