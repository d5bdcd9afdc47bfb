//! Starts programs that outlive us, and stops exactly those: a recycled process id is never touched.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// Joins a cgroup, leaves our session and enters a network namespace, then becomes the program: its process id
/// stays the one that was spawned, and whatever it starts is in the cgroup from the first instant.
const BECOME: &str = r#"echo 0 > "$1/cgroup.procs" && shift && exec setsid nsenter "$@""#;

/// A process that was started, and when: both together name it for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) component: String,
    pid: i32,
    started: u64,
}

/// What to start, and where.
pub(crate) struct Daemon<'a> {
    pub(crate) component: &'a str,
    pub(crate) program: &'a Path,
    pub(crate) args: &'a [String],
    pub(crate) path: &'a str,
    pub(crate) log: &'a Path,
    pub(crate) netns: &'a Path,
    pub(crate) cgroup: &'a Path,
}

impl Daemon<'_> {
    pub(crate) fn start(&self) -> Result<Process> {
        let log = File::create(self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", BECOME, "sh"])
            .arg(self.cgroup)
            .arg(format!("--net={}", self.netns.display()))
            .arg(self.program)
            .args(self.args)
            .env("PATH", self.path)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        without_proxy(&mut command);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.component))?;
        let pid = i32::try_from(child.id())?;
        let started = start_time(pid).with_context(|| format!("{} ended at once", self.component))?;
        Ok(Process { component: self.component.to_owned(), pid, started })
    }
}

impl Process {
    /// Running, and not merely waiting to be reaped by whoever started it.
    pub(crate) fn alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Whether somebody in its network namespace has made a Unix socket at this path. Of sockets of one path in several
    /// namespaces the file system shows but the last.
    pub(crate) fn listens_in_its_network(&self, socket: &str) -> bool {
        let sockets = fs::read_to_string(format!("/proc/{}/net/unix", self.pid)).unwrap_or_default();
        sockets.lines().any(|line| line.split(' ').next_back() == Some(socket))
    }

    /// Sends a signal, unless the process is gone. The descriptor pins the process, so that the check of its
    /// start time and the signal speak of the same one.
    pub(crate) fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        if let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty())
            && self.alive()
        {
            // It may end in between, which is what we want of it.
            let _ = pidfd_send_signal(descriptor, signal);
        }
    }
}

/// Asks all of them to end, insists after `grace`, and returns those that still live.
pub(crate) fn stop(processes: &[Process], grace: Duration) -> Vec<Process> {
    for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, Duration::from_secs(10))] {
        for process in processes {
            process.signal(signal);
        }
        let deadline = Instant::now() + patience;
        while processes.iter().any(Process::alive) && Instant::now() < deadline {
            sleep(Duration::from_millis(10));
        }
    }
    processes.iter().filter(|process| process.alive()).cloned().collect()
}

/// Kills a process that a cgroup of ours lists, whatever it is.
pub(crate) fn kill(pid: i32) {
    if let Some(descriptor) = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) {
        let _ = pidfd_send_signal(descriptor, Signal::KILL);
    }
}

/// A proxy for the outside must not stand between the cluster's own parts.
pub(crate) fn without_proxy(command: &mut Command) {
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
}

/// When a living process was started, in clock ticks since the machine was; none if it is gone or a zombie.
fn start_time(pid: i32) -> Option<u64> {
    parse_start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name, the second field, is in parentheses and may itself hold spaces and parentheses.
fn parse_start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a (b) c) S 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 9 0 123456 99 0";

    #[test]
    fn the_start_time_is_found_behind_a_name_with_parentheses() {
        assert_eq!(parse_start_time(STAT), Some(123_456));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        assert_eq!(parse_start_time(&STAT.replace(" S ", " Z ")), None);
        assert_eq!(parse_start_time("garbage"), None);
    }

    #[test]
    fn a_process_with_another_start_time_is_left_alone() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let recycled = Process { component: "x".into(), pid, started: 1 };
        assert!(!recycled.alive());
        recycled.signal(Signal::KILL);
    }
}
