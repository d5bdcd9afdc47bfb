//! The runner's part of the container's termination log.
//!
//! The log belongs to the program in the container, and all of it together must stay within a budget, or else the
//! kubelet cuts it. So each run has one line there, written before the hook starts and padded with spaces to what its
//! end will take; the end is written over it, at once and in place. All of it lies in the file's first page, and a
//! write within a page is not interrupted: a reader finds the one record or the other. No byte of the program's own
//! text is overwritten or cut off, and nothing is written where there is no room.

use std::os::fd::OwnedFd;
use std::path::Path;

use hooked_protocol::{Invocation, PREFIX, Record, parse};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom, fcntl_setfl, fstat, open, seek};
use rustix::io::{Errno, pread, pwrite, write};

use crate::patience::{Patience, release};

/// Bytes that the end of a run adds to its beginning: duration, outcome, exit code, attempts and a short message.
const ENDING: usize = 160;

/// The line of this run.
pub(crate) struct TerminationLog {
    file: OwnedFd,
    budget: usize,
    /// Where the line begins, and what it is there; empty if there was no room.
    offset: u64,
    line: Vec<u8>,
}

impl TerminationLog {
    /// Writes that the run begins, if there is room for that.
    pub(crate) fn begin(
        path: &Path,
        invocation: &Invocation,
        record: &Record,
        patience: &mut Patience,
    ) -> Result<Self, Errno> {
        // The kubelet makes the file. Whatever else lies there must neither block nor lead elsewhere.
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        let mut this = Self { file, budget: invocation.log_budget(), offset: 0, line: Vec::new() };
        // An output of plain text grows by a newline's backslash here and there.
        let ending = ENDING + invocation.recorded_output() + invocation.recorded_output() / 8;
        this.locked(patience, |this| this.first_line(record, ending))?;
        // Written to in place from now on, which an appending descriptor does not do.
        fcntl_setfl(&this.file, OFlags::NONBLOCK)?;
        Ok(this)
    }

    /// Writes how the run ended: over its beginning, or behind all that is there if that was overwritten.
    pub(crate) fn end(&mut self, record: &Record, patience: &mut Patience) -> Result<(), Errno> {
        self.locked(patience, |this| {
            let there = this.read()?;
            if this.still_holds_our_line(&there)
                && let Some(line) = padded(record, this.line.len())
            {
                return this.write_at(this.offset, &line);
            }
            let lead = newline_before(&there);
            let line = record.to_line(this.room_after(&there, lead)?).ok_or(Errno::NOSPC)?;
            this.write_at(there.len() as u64, &[lead, line.as_bytes()].concat())
        })
    }

    fn locked(
        &mut self,
        patience: &mut Patience,
        write: impl FnOnce(&mut Self) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        if !patience.lock(&self.file) {
            return Err(Errno::AGAIN);
        }
        let written = write(self);
        release(&self.file);
        written
    }

    fn first_line(&mut self, record: &Record, ending: usize) -> Result<(), Errno> {
        let there = self.read()?;
        let lead = newline_before(&there);
        let room = self.room_after(&there, lead)?;
        let Some(line) = record.to_line(room) else { return self.take_over(record, &there) };
        let line = padded(record, room.min(line.len() + ending)).ok_or(Errno::NOSPC)?;
        // Appended, since the program may write at the same time; where that was is known afterwards.
        let bytes = [lead, &line].concat();
        if write(&self.file, &bytes)? != bytes.len() {
            return Err(Errno::NOSPC);
        }
        let end = seek(&self.file, SeekFrom::Current(0))?;
        self.offset = end.saturating_sub(line.len() as u64);
        self.line = line;
        Ok(())
    }

    /// Where there is no room, an earlier run of the same hook gives up its line: the new record tells of it too.
    fn take_over(&mut self, record: &Record, there: &[u8]) -> Result<(), Errno> {
        let mut offset = 0;
        for line in there.split_inclusive(|byte| *byte == b'\n') {
            if is_told_by(record, line)
                && let Some(new) = padded(record, line.len())
            {
                fcntl_setfl(&self.file, OFlags::NONBLOCK)?;
                self.write_at(offset, &new)?;
                (self.offset, self.line) = (offset, new);
                return Ok(());
            }
            offset += line.len() as u64;
        }
        // The end may still find room, if the program empties its log.
        Ok(())
    }

    fn still_holds_our_line(&self, there: &[u8]) -> bool {
        let at = usize::try_from(self.offset).ok().and_then(|offset| there.get(offset..));
        !self.line.is_empty() && at.is_some_and(|rest| rest.starts_with(&self.line))
    }

    /// The beginning of the file, as much as the budget is.
    fn read(&self) -> Result<Vec<u8>, Errno> {
        let mut there = vec![0; self.budget];
        let length = pread(&self.file, &mut there, 0)?;
        there.truncate(length);
        Ok(there)
    }

    /// Bytes that may still be written. There are none behind a program that wrote more than the budget.
    fn room_after(&self, there: &[u8], lead: &[u8]) -> Result<usize, Errno> {
        let size = usize::try_from(fstat(&self.file)?.st_size).unwrap_or(usize::MAX);
        Ok(if size > there.len() { 0 } else { self.budget.saturating_sub(there.len() + lead.len()) })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        if pwrite(&self.file, bytes, offset)? == bytes.len() { Ok(()) } else { Err(Errno::NOSPC) }
    }
}

/// The record as a line of just that length, if it can be had in that.
fn padded(record: &Record, length: usize) -> Option<Vec<u8>> {
    let mut line = record.to_line(length)?.into_bytes();
    line.pop();
    line.resize(length.checked_sub(1)?, b' ');
    line.push(b'\n');
    Some(line)
}

/// A program that wrote no newline at its end is not to have our record on its last line.
fn newline_before(there: &[u8]) -> &'static [u8] {
    if there.last().is_none_or(|last| *last == b'\n') { b"" } else { b"\n" }
}

/// Whether the line holds a record of ours, and nothing else, of a run whose outcome the new record counts as well.
fn is_told_by(record: &Record, line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let told = |earlier: &Record| {
        earlier.run != record.run && (&earlier.container, earlier.hook) == (&record.container, record.hook)
    };
    record.numbering.is_some()
        && line.starts_with(PREFIX)
        && line.ends_with('\n')
        && parse(line).iter().any(told)
}
