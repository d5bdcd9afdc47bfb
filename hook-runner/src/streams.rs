//! The hook's output on its way to the kubelet.
//!
//! The hook writes into the runner's pipes, and the runner passes the output on. So the kubelet's pipes are closed
//! when the runner exits, even if another process still holds the hook's. stdout and stderr share one pipe where the
//! runner's own are one file, which keeps their order.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{OFlags, fcntl_setfl, fstat};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::tail::Tail;

/// Bytes passed on at once. A pipe that polls as writable has room for a page, so a write of that much never blocks.
const PAGE: usize = 4096;

/// Both of the hook's output streams.
pub(crate) struct Streams {
    relays: Vec<Relay>,
    /// The ends that the hook writes to, stdout first; kept for further attempts.
    ends: Vec<OwnedFd>,
    tail: Tail,
}

impl Streams {
    /// Makes the pipes. `keep` is how many bytes of the output to remember.
    pub(crate) fn new(keep: usize) -> io::Result<Self> {
        let (stdout, stderr) = (rustix::stdio::stdout(), rustix::stdio::stderr());
        let sinks = if is_same_file(stdout, stderr)? { vec![stdout] } else { vec![stdout, stderr] };
        let mut streams = Self { relays: Vec::new(), ends: Vec::new(), tail: Tail::new(keep) };
        for sink in sinks {
            let (source, end) = pipe_with(PipeFlags::CLOEXEC)?;
            // Only our end: the hook's has to block as a pipe does.
            fcntl_setfl(&source, OFlags::NONBLOCK)?;
            streams.relays.push(Relay::new(source, sink));
            streams.ends.push(end);
        }
        Ok(streams)
    }

    /// What the hook is to have as stdout and stderr.
    pub(crate) fn for_hook(&self) -> io::Result<(BorrowedFd<'_>, BorrowedFd<'_>)> {
        match (self.ends.first(), self.ends.last()) {
            (Some(stdout), Some(stderr)) => Ok((stdout.as_fd(), stderr.as_fd())),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// What to wait for so that output can move.
    pub(crate) fn interests(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.relays.iter().filter_map(Relay::interest)
    }

    /// Moves what can be moved without waiting. `ready` are the answers to [`Self::interests`].
    pub(crate) fn advance(&mut self, ready: &[bool]) {
        let waiting = self.relays.iter_mut().filter(|relay| relay.interest().is_some());
        for (relay, _) in waiting.zip(ready).filter(|(_, ready)| **ready) {
            relay.step(&mut self.tail);
        }
    }

    /// The hook will write no more: what is in the pipes now is the last to be passed on.
    pub(crate) fn finish(&mut self) {
        self.ends.clear();
        for relay in &mut self.relays {
            relay.last_bytes();
        }
    }

    /// The last bytes of the output, as text.
    pub(crate) fn last_output(&mut self) -> String {
        self.tail.text()
    }

    /// The pipes that someone can still write to, after [`Self::finish`].
    pub(crate) fn held_open(self) -> Vec<OwnedFd> {
        self.relays.into_iter().filter_map(|relay| relay.source).filter(|source| !is_at_end(source)).collect()
    }
}

/// One stream: at most a page is between the two pipes.
struct Relay {
    /// `None` once nobody can write to it any more, or nobody reads what we pass on.
    source: Option<OwnedFd>,
    sink: BorrowedFd<'static>,
    page: Box<[u8; PAGE]>,
    /// What of the page is still to be passed on.
    rest: std::ops::Range<usize>,
    /// Bytes that may still be taken from the source; `None` as long as there is no limit.
    allowed: Option<u64>,
}

impl Relay {
    fn new(source: OwnedFd, sink: BorrowedFd<'static>) -> Self {
        Self { source: Some(source), sink, page: Box::new([0; PAGE]), rest: 0..0, allowed: None }
    }

    fn interest(&self) -> Option<PollFd<'_>> {
        let source = self.source.as_ref()?;
        if !self.rest.is_empty() {
            return Some(PollFd::from_borrowed_fd(self.sink, PollFlags::OUT));
        }
        (self.allowed != Some(0)).then(|| PollFd::new(source, PollFlags::IN))
    }

    fn step(&mut self, tail: &mut Tail) {
        let Some(source) = &self.source else { return };
        if self.rest.is_empty() {
            let most =
                self.allowed.map_or(PAGE, |allowed| usize::try_from(allowed).unwrap_or(PAGE).min(PAGE));
            match read(source, &mut self.page[..most]) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                Ok(0) | Err(_) => self.source = None,
                Ok(length) => {
                    self.rest = 0..length;
                    self.allowed = self.allowed.map(|allowed| allowed.saturating_sub(length as u64));
                    tail.passed(&self.page[..length]);
                }
            }
            return;
        }
        match write(self.sink, &self.page[self.rest.clone()]) {
            Ok(length) => self.rest.start += length,
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Nobody reads any more. The hook is to learn of it as it would have without us.
            Err(_) => {
                self.source = None;
                self.rest = 0..0;
            }
        }
    }

    fn last_bytes(&mut self) {
        self.allowed = Some(self.source.as_ref().and_then(|source| ioctl_fionread(source).ok()).unwrap_or(0));
    }
}

/// Whether nobody can write to the pipe any more, once all that was for us is read.
fn is_at_end(source: &OwnedFd) -> bool {
    let mut only = [PollFd::new(source, PollFlags::IN)];
    let now = rustix::event::Timespec::default();
    rustix::event::poll(&mut only, Some(&now)).is_ok_and(|_| only[0].revents().contains(PollFlags::HUP))
}

fn is_same_file(one: impl AsFd, other: impl AsFd) -> io::Result<bool> {
    let (one, other) = (fstat(one)?, fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}
