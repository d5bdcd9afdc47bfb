//! Up to where the runs of a Pod are counted: inference goes on from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::Anew;
use super::run::Slot;

/// Up to which instance of a container runs are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// postStart runs of instances up to this one are counted.
    pub post_start: u32,
    /// Ends of instances up to this one are counted.
    pub end: u32,
    /// The last instance whose postStart run was counted because its container was seen running: the duration
    /// that the runner has measured is still to be counted, with the end of that instance. 0 if none.
    pub seen_running: u32,
    /// Where the kubelet has begun to count the container's restarts anew, if it has.
    pub anew: Option<Anew>,
}

impl Mark {
    /// The last instance of which `slot` is counted; 0 if none.
    pub fn of(self, slot: Slot) -> u32 {
        match slot {
            Slot::PostStart => self.post_start,
            Slot::End => self.end,
        }
    }
}

/// The marks of one Pod, by container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodMarks(pub BTreeMap<Arc<str>, Mark>);

impl PodMarks {
    /// Marks the postStart run of `instance` as counted because the container was seen running.
    pub fn saw_running(&mut self, container: &Arc<str>, instance: u32) {
        self.0.entry(Arc::clone(container)).or_default().seen_running = instance;
    }

    /// Notes where the kubelet has begun to count the restarts of a container anew.
    pub fn count_anew(&mut self, container: &Arc<str>, anew: Anew) {
        self.0.entry(Arc::clone(container)).or_default().anew = Some(anew);
    }

    /// The mark of a container; nothing counted if there is none.
    pub fn of(&self, container: &str) -> Mark {
        self.0.get(container).copied().unwrap_or_default()
    }

    /// Marks instances of `container` up to `instance` as counted.
    pub fn advance(&mut self, container: &Arc<str>, slot: Slot, instance: u32) {
        let mark = self.0.entry(Arc::clone(container)).or_default();
        match slot {
            Slot::PostStart => mark.post_start = mark.post_start.max(instance),
            Slot::End => mark.end = mark.end.max(instance),
        }
    }
}
