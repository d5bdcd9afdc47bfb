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

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time since it was started, in seconds, to a hundredth.
    pub processor_seconds: f64,
    /// Memory that is resident (`VmRSS`), in KiB.
    pub memory_kib: u64,
    /// Memory that it has of its own (`RssAnon`), in KiB.
    pub own_memory_kib: u64,
    /// The most that was ever resident (`VmHWM`), in KiB.
    pub peak_kib: u64,
}

impl Usage {
    /// What the operator of that Pod has used until now.
    pub fn of(pod: &str) -> Result<Self> {
        Self::of_process(process_of(pod)?.as_raw_nonzero().get().try_into()?)
    }

    /// What the process of that id has used until now.
    pub fn of_process(id: u32) -> Result<Self> {
        let about = |file: &str| {
            let path = format!("/proc/{id}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let status = about("status")?;
        Ok(Self {
            processor_seconds: processor_seconds(&about("stat")?)?,
            memory_kib: kib(&status, "VmRSS:")?,
            own_memory_kib: kib(&status, "RssAnon:")?,
            peak_kib: kib(&status, "VmHWM:")?,
        })
    }
}

/// The processor time of all threads, those that have ended too: fields 14 and 15, in ticks of a hundredth of a second
/// whatever the kernel's own (`proc_pid_stat(5)`). The name, field 2, may itself hold spaces and parentheses.
fn processor_seconds(stat: &str) -> Result<f64> {
    let (_, after_name) = stat.rsplit_once(')').context("no name")?;
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.map(str::parse::<f64>).sum::<std::result::Result<_, _>>()?;
    Ok(ticks / 100.0)
}

fn kib(status: &str, name: &str) -> Result<u64> {
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Ends the operator of that Pod at whatever it is doing.
pub(crate) fn kill(pod: &str) -> Result<()> {
    Ok(kill_process(process_of(pod)?, Signal::KILL)?)
}

/// Asks the operator of that Pod to end, as the kubelet does.
pub(crate) fn terminate(pod: &str) -> Result<()> {
    Ok(kill_process(process_of(pod)?, Signal::TERM)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_that_of_user_and_system() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 1 2 3 4 150 75 7 8 20 0 9 0 123456 99 0";
        assert!((processor_seconds(stat).unwrap() - 2.25).abs() < 1e-9);
    }

    #[test]
    fn what_this_process_uses_can_be_read() {
        let used = Usage::of_process(std::process::id()).unwrap();
        assert!(used.memory_kib >= used.own_memory_kib && used.peak_kib >= used.memory_kib);
    }
}
