//! Where the executions of a container's hooks are counted: a directory that outlives the container's instances.
//!
//! Each hook of each container has a file of its own, read and written under a lock, so that two hooks at once do not
//! undo each other's. A state is always as long as the one before and lies within the file's first page, and no signal
//! interrupts a write within a page: there is the old one or the new one. (A new file in place of the old one would do
//! as well and take five times as long: ext4 flushes what is renamed over another file. And it fails on a full disk.)
//! Nothing is synced to the disk: what is to be survived is the end of a process, not of the node.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use hooked_protocol::{Earlier, Hook, Numbering, Outcome, State, StateError, is_container_name};
use rustix::fs::{FileType, Mode, OFlags, fchmod, fstat, open};
use rustix::io::{Errno, pread, pwrite};

use crate::patience::{Patience, release};

/// The file of one hook in the directory, and the execution that is under way.
pub(crate) struct RecordDir {
    file: OwnedFd,
    execution: u32,
}

/// Why an execution has no number.
#[derive(Debug)]
pub(crate) enum RecordDirError {
    /// The container's name cannot be one.
    Name,
    /// There is no state, and none can be made.
    Open(Errno),
    /// Someone else keeps the state locked.
    Busy,
    /// The state is there and cannot be read.
    Read(Errno),
    /// The state is not what a runner writes.
    State(StateError),
    /// The new state cannot be written.
    Write(Errno),
}

impl fmt::Display for RecordDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("no container has this name"),
            Self::Open(error) => write!(f, "the state cannot be opened: {error}"),
            Self::Busy => f.write_str("the state is locked"),
            Self::Read(error) => write!(f, "the state cannot be read: {error}"),
            Self::State(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the state cannot be written: {error}"),
        }
    }
}

impl RecordDir {
    /// Counts one more execution, as begun. It is on record when this returns.
    pub(crate) fn begin(
        path: &Path,
        container: &str,
        hook: Hook,
        patience: &mut Patience,
    ) -> Result<(Self, Numbering), RecordDirError> {
        let file = open_or_create(&path_of(path, container, hook)?).map_err(RecordDirError::Open)?;
        let mut this = Self { file, execution: 0 };
        let numbering = this.change(patience, |state| state.begin().map_err(RecordDirError::State))?;
        this.execution = numbering.execution;
        Ok((this, numbering))
    }

    /// How the latest execution of a hook went; `None` if there was none that could be learnt of. Read without the
    /// lock: a state is written at once.
    pub(crate) fn latest(path: &Path, container: &str, hook: Hook) -> Option<Earlier> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open(path_of(path, container, hook).ok()?, flags, Mode::empty()).ok()?;
        Self { file, execution: 0 }.read().ok()?.latest()
    }

    /// The execution has ended.
    pub(crate) fn end(&self, outcome: Outcome, patience: &mut Patience) -> Result<Numbering, RecordDirError> {
        self.change(patience, |state| {
            state.end(self.execution, outcome);
            Ok(self.execution)
        })
    }

    /// Changes the state; the change returns the execution that it is about.
    fn change(
        &self,
        patience: &mut Patience,
        change: impl FnOnce(&mut State) -> Result<u32, RecordDirError>,
    ) -> Result<Numbering, RecordDirError> {
        if !patience.lock(&self.file) {
            return Err(RecordDirError::Busy);
        }
        let changed = self.read().and_then(|mut state| {
            let execution = change(&mut state)?;
            self.write(&state).map_err(RecordDirError::Write)?;
            Ok(state.numbering(execution))
        });
        release(&self.file);
        changed
    }

    fn read(&self) -> Result<State, RecordDirError> {
        // One byte more than a state has, to see what is too long.
        let mut text = [0; State::BYTES + 1];
        let length = pread(&self.file, &mut text, 0).map_err(RecordDirError::Read)?;
        let text =
            std::str::from_utf8(&text[..length]).map_err(|_| RecordDirError::State(StateError::Form))?;
        State::parse(text).map_err(RecordDirError::State)
    }

    fn write(&self, state: &State) -> Result<(), Errno> {
        let text = state.to_string();
        if pwrite(&self.file, text.as_bytes(), 0)? == text.len() { Ok(()) } else { Err(Errno::NOSPC) }
    }
}

/// The file of that hook.
fn path_of(directory: &Path, container: &str, hook: Hook) -> Result<PathBuf, RecordDirError> {
    let name = is_container_name(container).then(|| format!("{container}.{}", hook.name()));
    name.map(|name| directory.join(name)).ok_or(RecordDirError::Name)
}

/// Opens the file, and makes it if it is not there. Whatever else may lie there under this name must neither block nor
/// lead elsewhere.
fn open_or_create(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // For all, since the container's next instance may run as another user.
    let mode = Mode::from_raw_mode(0o666);
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            let file = open(path, flags | OFlags::CREATE, mode)?;
            // The mask of the container's processes is not for this file. It may be another's, made a moment ago.
            let _ = fchmod(&file, mode);
            file
        }
        opened => opened?,
    };
    let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
    if kind == FileType::RegularFile { Ok(file) } else { Err(Errno::INVAL) }
}
