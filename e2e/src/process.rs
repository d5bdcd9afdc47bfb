//! The operator's process on the node, which is this machine: it can be killed and made to stand still.

use std::fs;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// The operator's process in the container whose host name is the Pod's name.
fn process_of(pod: &str) -> Result<Pid> {
    let named = format!("HOSTNAME={pod}");
    let of_pod = |process: &Pid| {
        let about = |file: &str| fs::read(format!("/proc/{}/{file}", process.as_raw_nonzero()));
        let is_operator = about("comm").is_ok_and(|name| name.starts_with(b"hooked-control"));
        let environment = about("environ").unwrap_or_default();
        is_operator && environment.split(|byte| *byte == 0).any(|word| word == named.as_bytes())
    };
    let processes = fs::read_dir("/proc").context("processes cannot be listed")?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let found: Vec<Pid> = numbers.filter_map(Pid::from_raw).filter(of_pod).collect();
    ensure!(found.len() == 1, "the operator of Pod {pod} is not one process but {found:?}");
    Ok(found[0])
}

/// What the operator of a Pod has used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time since it was started, in seconds.
    pub processor_seconds: f64,
    /// Memory that it has of its own (`RssAnon`), in KiB.
    pub memory_kib: u64,
}

impl Usage {
    /// What the operator of that Pod has used until now.
    pub fn of(pod: &str) -> Result<Self> {
        let about = |file: &str| -> Result<String> {
            Ok(fs::read_to_string(format!("/proc/{}/{file}", process_of(pod)?.as_raw_nonzero()))?)
        };
        // The first number is the time that the thread ran, in nanoseconds (Documentation/scheduler/sched-stats.rst).
        let tasks = fs::read_dir(format!("/proc/{}/task", process_of(pod)?.as_raw_nonzero()))?.flatten();
        let ran = tasks.filter_map(|task| {
            let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<f64>().ok()
        });
        let status = about("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
        let memory_kib = line.trim().trim_end_matches(" kB").parse()?;
        Ok(Self { processor_seconds: ran.sum::<f64>() / 1e9, memory_kib })
    }
}

/// Ends the operator of that Pod at whatever it is doing.
pub(crate) fn kill(pod: &str) -> Result<()> {
    Ok(kill_process(process_of(pod)?, Signal::KILL)?)
}

/// A process that stands still until this is dropped, as one does whose machine is paused: it misses time without
/// knowing of it.
pub struct Frozen(Pid);

impl Frozen {
    pub(crate) fn operator_of(pod: &str) -> Result<Self> {
        let process = process_of(pod)?;
        kill_process(process, Signal::STOP)?;
        Ok(Self(process))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        kill_process(self.0, Signal::CONT).ok();
    }
}
