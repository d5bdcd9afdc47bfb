//! A process that stands still for a while, as one does whose machine is paused: it misses time without knowing of it.

use std::fs;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A process that stands still until this is dropped.
pub struct Frozen(Pid);

impl Frozen {
    /// Stops the operator's process in the container whose host name is the Pod's name.
    pub(crate) fn process_of(pod: &str) -> Result<Self> {
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
        kill_process(found[0], Signal::STOP)?;
        Ok(Self(found[0]))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        kill_process(self.0, Signal::CONT).ok();
    }
}
