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
