//! What a running cluster remembers of itself, so that another invocation can stop exactly that.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::layout::Layout;
use crate::process::Process;

/// The processes of a cluster, in the order in which they were started.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Process ids and start times begin anew with each boot of the machine.
    boot: String,
    pub(crate) processes: Vec<Process>,
    /// Set at the end of a start: programs of one that was interrupted may all run, and yet not be ready.
    pub(crate) complete: bool,
}

impl Record {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { boot: boot()?, processes: Vec::new(), complete: false })
    }

    /// What was recorded since the machine booted; nothing if there is no record or it cannot be read.
    pub(crate) fn load(layout: &Layout) -> Self {
        let read = || -> Result<Self> { Ok(serde_json::from_slice(&fs::read(place(layout))?)?) };
        read().ok().filter(|record| boot().is_ok_and(|boot| boot == record.boot)).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, process: Process, layout: &Layout) -> Result<()> {
        self.processes.push(process);
        self.write(layout)
    }

    pub(crate) fn set_complete(&mut self, layout: &Layout) -> Result<()> {
        self.complete = true;
        self.write(layout)
    }

    /// Atomically, since we may be killed at any moment.
    fn write(&self, layout: &Layout) -> Result<()> {
        let (place, draft) = (place(layout), place(layout).with_extension("draft"));
        fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&draft, &place).with_context(|| format!("cannot write {}", place.display()))
    }

    /// Takes out the processes of these components.
    pub(crate) fn of(&self, components: &[&str]) -> Vec<Process> {
        self.processes.iter().filter(|process| components.contains(&&*process.component)).cloned().collect()
    }
}

fn place(layout: &Layout) -> PathBuf {
    layout.run.join("processes.json")
}

fn boot() -> Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}
