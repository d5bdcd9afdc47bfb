//! Processes that the hook leaves behind may go on writing: the runner does not wait for them, and their output does
//! not kill them.
//!
//! When the hook's process has ended and another process still holds the hook's pipes, a copy of the runner stays
//! behind that reads the pipes to their end and discards what it reads. Every alternative changes the program that
//! writes: a pipe without a reader kills the program, a pipe that the program holds the reading end of blocks it when
//! full, a file fills the disk, a terminal makes the program behave as on a terminal, and a socket cannot be opened as
//! `/dev/stdout`.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use hooked_protocol::RUNNER_PATH;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};

/// Leaves the pipes with a process that keeps them empty. If no such process can be started, writing to the pipes fails
/// from now on.
pub(crate) fn leave(pipes: Vec<OwnedFd>) {
    let mut pipes = pipes.into_iter();
    let Some(one) = pipes.next() else { return };
    // Only the first three descriptors can be handed over without unsafe code. The third must not be the kubelet's.
    let copy = |of: &OwnedFd| of.try_clone();
    let Ok(other) = pipes.next().map_or_else(|| copy(&one), Ok) else { return };
    let Ok(third) = copy(&other) else { return };
    let this_program = std::env::current_exe().unwrap_or_else(|_| RUNNER_PATH.into());
    // The runner exits at once, and the process that adopts this one reaps it. All signals stay blocked in it.
    let _ = Command::new(this_program)
        .arg("swallow")
        .env_clear()
        .current_dir("/")
        .stdin(one)
        .stdout(other)
        .stderr(third)
        .spawn();
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
