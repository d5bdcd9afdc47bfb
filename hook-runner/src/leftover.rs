//! Processes that the hook leaves behind may go on writing: the runner does not wait for them, and their output does
//! not kill them.
//!
//! When the hook's process has ended and another process still holds the hook's pipes, a copy of the runner stays
//! behind that reads the pipes to their end and discards what it reads. Every alternative changes the program that
//! writes: a pipe without a reader kills the program, a pipe that the program holds the reading end of blocks it when
//! full, a file fills the disk, a terminal makes the program behave as on a terminal, and a socket cannot be opened as
//! `/dev/stdout`.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};

use crate::spawn::spawn_copy;

/// Leaves the pipes with a process that keeps them empty. If no such process can be started, writing to the pipes fails
/// from now on.
pub(crate) fn leave(pipes: &[OwnedFd]) {
    let (Some(one), Some(other)) = (pipes.first(), pipes.last()) else { return };
    // The third must not be the kubelet's. The runner exits at once, and the process that adopts this one reaps it. All
    // signals stay blocked in it.
    let _ = spawn_copy(c"swallow", [one, other, other].map(AsFd::as_fd));
}

/// Reads stdin and stdout, which are both pipes, until no process can write to either.
pub(crate) fn swallow() {
    let mut open = vec![rustix::stdio::stdin(), rustix::stdio::stdout()];
    let mut page = [0; 4096];
    while !open.is_empty() {
        let mut interests: Vec<_> =
            open.iter().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)).collect();
        if poll(&mut interests, None).is_err() {
            return;
        }
        open.retain(|pipe| matches!(read(pipe, &mut page), Ok(1..) | Err(Errno::AGAIN | Errno::INTR)));
    }
}
