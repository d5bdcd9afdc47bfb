//! The mark that the hooks of a Pod are cancelled: the Pod is to be removed, and hooks that would start later are not
//! to delay that.
//!
//! The mark is a file in the record directory, which all containers of the Pod share. A runner whose postStart hook the
//! operator stops makes the file, and runners that start later find it.

use std::path::Path;

use hooked_protocol::{Earlier, Hook, Invocation, Outcome};
use rustix::fs::{Mode, OFlags, access, open};

use crate::record_dir::RecordDir;

/// The name of the mark. The files of containers all have a dot in their names.
const MARK: &str = "cancelled";

/// Marks the Pod's hooks as cancelled. If the mark cannot be made, later hooks run until the operator stops them.
pub(crate) fn mark(record_dir: &Path) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let _ = open(record_dir.join(MARK), flags, Mode::from_raw_mode(0o666));
}

/// Whether the mark keeps this hook from being started: every postStart hook, and the preStop hook of a container whose
/// own postStart hook was cancelled. A container that had started properly is stopped properly.
pub(crate) fn bars(invocation: &Invocation) -> bool {
    let Some(record_dir) = &invocation.record_dir else { return false };
    let marked = access(record_dir.join(MARK), rustix::fs::Access::EXISTS).is_ok();
    let of_its_own = || {
        let latest = RecordDir::latest(record_dir, &invocation.container, Hook::PostStart);
        latest == Some(Earlier::Ended(Outcome::Cancelled))
    };
    marked && (invocation.hook == Hook::PostStart || of_its_own())
}
