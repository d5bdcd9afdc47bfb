//! The mark that the hooks of a Pod are cancelled: the Pod is to go, and whoever would start later is not to keep it.
//!
//! It is a file in the record directory, which all containers of the Pod share. A runner that was told to stop its
//! postStart hook makes it, and the runners after that find it.

use std::path::Path;

use hooked_protocol::{Earlier, Hook, Invocation, Outcome};
use rustix::fs::{Mode, OFlags, access, open};

use crate::record_dir::RecordDir;

/// No container's file is called so, since those have a dot.
const MARK: &str = "cancelled";

/// Marks it. If that fails, the hooks after this one run until they are told to stop.
pub(crate) fn mark(record_dir: &Path) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let _ = open(record_dir.join(MARK), flags, Mode::from_raw_mode(0o666));
}

/// Whether this hook is not to be started: a postStart hook if it is marked so, and a preStop hook if besides the
/// postStart hook of its own container was cancelled. A container that had started properly is stopped properly.
pub(crate) fn bars(invocation: &Invocation) -> bool {
    let Some(record_dir) = &invocation.record_dir else { return false };
    let marked = access(record_dir.join(MARK), rustix::fs::Access::EXISTS).is_ok();
    let of_its_own = || {
        let latest = RecordDir::latest(record_dir, &invocation.container, Hook::PostStart);
        latest == Some(Earlier::Ended(Outcome::Cancelled))
    };
    marked && (invocation.hook == Hook::PostStart || of_its_own())
}
