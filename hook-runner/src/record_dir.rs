//! Where the executions of a container's hooks are counted: a directory that outlives the container's instances.
//!
//! Each hook of each container has a file of its own. It is replaced as a whole, under a lock on the directory, so it
//! is never cut off, and two hooks at once do not undo each other's. Nothing is synced to the disk: what is to be
//! survived is the end of a process, not of the node.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

use hooked_report::{Hook, Numbering, Outcome, State, StateError, is_container_name};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, open, openat, renameat, unlinkat};
use rustix::io::{Errno, read, write};

use crate::patience::{Patience, release};

/// The file of one hook in the directory, and the execution that is under way.
pub(crate) struct RecordDir {
    directory: OwnedFd,
    file: String,
    execution: u32,
}

/// Why an execution has no number.
#[derive(Debug)]
pub(crate) enum RecordDirError {
    /// The container's name cannot be one.
    Name,
    /// The directory cannot be opened.
    Directory(Errno),
    /// Someone else keeps the directory locked.
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
            Self::Directory(error) => write!(f, "the record directory cannot be opened: {error}"),
            Self::Busy => f.write_str("the record directory is locked"),
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
        if !is_container_name(container) {
            return Err(RecordDirError::Name);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(path, flags, Mode::empty()).map_err(RecordDirError::Directory)?;
        let mut this = Self { directory, file: format!("{container}.{}", hook.name()), execution: 0 };
        let numbering = this.change(patience, |state| state.begin().map_err(RecordDirError::State))?;
        this.execution = numbering.execution;
        Ok((this, numbering))
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
        if !patience.lock(&self.directory) {
            return Err(RecordDirError::Busy);
        }
        let changed = self.read().and_then(|mut state| {
            let execution = change(&mut state)?;
            self.replace(&state).map_err(RecordDirError::Write)?;
            Ok(state.numbering(execution))
        });
        release(&self.directory);
        changed
    }

    fn read(&self) -> Result<State, RecordDirError> {
        // Whatever else may lie there under this name must neither block nor lead elsewhere.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.directory, &self.file, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(State::default()),
            Err(error) => return Err(RecordDirError::Read(error)),
        };
        let kind = fstat(&file).map_err(RecordDirError::Read)?.st_mode;
        if FileType::from_raw_mode(kind) != FileType::RegularFile {
            return Err(RecordDirError::State(StateError::Form));
        }
        let mut text = [0; State::MAX_BYTES];
        let length = read(&file, &mut text).map_err(RecordDirError::Read)?;
        let text =
            std::str::from_utf8(&text[..length]).map_err(|_| RecordDirError::State(StateError::Form))?;
        State::parse(text).map_err(RecordDirError::State)
    }

    fn replace(&self, state: &State) -> Result<(), Errno> {
        let unfinished = format!(".{}.new", self.file);
        let _ = unlinkat(&self.directory, &unfinished, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // Readable by all, since the container's next instance may run as another user.
        let mode = Mode::from_raw_mode(0o644);
        let file = openat(&self.directory, &unfinished, flags, mode)?;
        let text = state.to_string();
        let written = match write(&file, text.as_bytes()) {
            Ok(length) if length == text.len() => {
                renameat(&self.directory, &unfinished, &self.directory, &self.file)
            }
            Ok(_) => Err(Errno::NOSPC),
            Err(error) => Err(error),
        };
        if written.is_err() {
            let _ = unlinkat(&self.directory, &unfinished, AtFlags::empty());
        }
        written
    }
}
