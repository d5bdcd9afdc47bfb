//! What the hook leaves behind may go on writing: it is neither waited for nor killed by its own output.
//!
//! When the hook's process has ended and someone still holds the pipes that it wrote to, a process stays behind that
//! reads them until nobody does, and throws away what comes. Everything else that was tried changes the program that
//! writes: a pipe without a reader kills it, a pipe that it could read itself blocks it when full, a file fills the
//! disk, a terminal makes it behave as on a terminal, and a socket cannot be opened as `/dev/stdout`.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};

/// Leaves the pipes with a process that keeps them empty. If there can be none, writing to them fails from now on.
pub(crate) fn leave(pipes: Vec<OwnedFd>) {
    let mut pipes = pipes.into_iter();
    let Some(one) = pipes.next() else { return };
    // Both as what can be handed over safely: the first three descriptors. The third must not be the kubelet's.
    let copy = |of: &OwnedFd| of.try_clone();
    let Ok(other) = pipes.next().map_or_else(|| copy(&one), Ok) else { return };
    let Ok(third) = copy(&other) else { return };
    let this_program = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(Into::into));
    let Some(this_program) = this_program else { return };
    // Its parent is gone at once, and whoever takes it over buries it. All signals stay blocked in it.
    let _ = Command::new(this_program)
        .arg("swallow")
        .env_clear()
        .current_dir("/")
        .stdin(one)
        .stdout(other)
        .stderr(third)
        .spawn();
}

/// Reads both pipes until nobody can write to either.
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
