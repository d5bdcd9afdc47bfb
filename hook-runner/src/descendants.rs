//! The hook's descendants, those in a session of their own included.
//!
//! The runner is a subreaper: a process that loses its parent becomes the runner's child, so that none leaves the tree.

use std::fs;

use hooked_protocol::Exit;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, wait};

/// Sends the signal to the hook's process and all its descendants; where `/proc` does not show them, to the hook's own
/// process group.
pub(crate) fn signal_all(hook: Pid, signal: Signal) {
    let all = descendants(getpid());
    if all.is_empty() {
        let _ = kill_process_group(hook, signal);
    }
    for process in all {
        // A process that is gone by now needs no signal.
        let _ = kill_process(process, signal);
    }
}

fn descendants(ancestor: Pid) -> Vec<Pid> {
    let processes = processes();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            processes.iter().filter(|(_, its_parent)| *its_parent == parent).map(|(process, _)| *process),
        );
        next += 1;
    }
    found.remove(0);
    found
}

/// Every process that can be seen, with its parent.
fn processes() -> Vec<(Pid, Pid)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let process = |entry: fs::DirEntry| -> Option<(Pid, Pid)> {
        let process = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let stat = fs::read(entry.path().join("stat")).ok()?;
        Some((process, parent_in(&stat)?))
    };
    entries.flatten().filter_map(process).collect()
}

/// The parent in a line of `/proc/PID/stat`: the second word after the name, which stands in parentheses and may hold
/// anything, parentheses and bytes that are no text included.
fn parent_in(stat: &[u8]) -> Option<Pid> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let parent = stat[end_of_name..].split(|byte| *byte == b' ').nth(2)?;
    std::str::from_utf8(parent).ok()?.parse().ok().and_then(Pid::from_raw)
}

/// What reaping found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reaped {
    /// How the hook's own process ended, if it was among the dead children.
    pub(crate) hook: Option<Exit>,
    /// Whether no child is left, and so no descendant of the hook.
    pub(crate) nobody_left: bool,
}

/// Reaps all children that died.
pub(crate) fn reap(hook: Pid) -> Reaped {
    let mut reaped = Reaped::default();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((process, status))) if process == hook => {
                let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
                let code = status.exit_status().map(|code| Exit::Code(number(code)));
                let signal = status.terminating_signal().map(|signal| Exit::Signal(number(signal)));
                reaped.hook = code.or(signal);
            }
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return reaped,
            Err(_) => return Reaped { nobody_left: true, ..reaped },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_whatever_the_process_calls_itself() {
        for name in ["sh", "a b", ")", ") S 7 (", "(x) R 9"] {
            let stat = format!("12 ({name}) S 34 12 12 0 -1");
            assert_eq!(parent_in(stat.as_bytes()), Pid::from_raw(34), "{name}");
        }
        for stat in ["", "12", "12 (sh", "12 (sh) S", "12 (sh) S x"] {
            assert_eq!(parent_in(stat.as_bytes()), None, "{stat}");
        }
    }
}
