//! What `why` shows, as values.

use hooked_core::lifecycle::Fate;
use hooked_crd::{HookRunStatus, KillReason};
use jiff::Timestamp;
use serde::Serialize;

/// What became of a Pod's containers.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explanation {
    pub(super) namespace: String,
    pub(super) pod: String,
    /// Whether the Pod is there.
    pub(super) present: bool,
    pub(super) state: String,
    pub(super) node: Option<String>,
    /// Kind and name of who controls it.
    pub(super) owner: Option<String>,
    pub(super) containers: Vec<ContainerExplanation>,
    /// What else is worth knowing.
    pub(super) notes: Vec<String>,
}

/// What became of a container.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerExplanation {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) restarts: u32,
    /// Hooks that run now.
    pub(super) running: Vec<HookRunStatus>,
    /// Its instances that the API still knows, the latest first.
    pub(super) instances: Vec<Instance>,
    /// Runs of earlier instances, which only the workload remembers, newest first.
    pub(super) remembered: Vec<HookRunStatus>,
    /// Kills by reason, where the Pod is gone and only the workload remembers them.
    pub(super) kills: Vec<RememberedKill>,
    /// What is known of instances before those, in words.
    pub(super) earlier: Option<String>,
}

/// A kill that only the workload remembers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RememberedKill {
    pub(super) reason: KillReason,
    pub(super) why: String,
    pub(super) time: Option<Timestamp>,
    pub(super) next: &'static str,
}

/// What became of an instance of a container.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instance {
    /// Which it is, from 1; one more than the restarts before it.
    pub(super) number: u32,
    pub(super) fate: Fate,
    /// The reason, if it was killed.
    pub(super) killed: Option<KillReason>,
    /// What happened, in words.
    pub(super) why: String,
    pub(super) hooks: Vec<HookRunStatus>,
    pub(super) evidence: Vec<String>,
    /// What helps.
    pub(super) next: Option<&'static str>,
}

impl Explanation {
    /// Keeps only this container; those that there are if it is not among them.
    pub(super) fn keep(&mut self, container: &str) -> Result<(), String> {
        if self.containers.iter().any(|story| story.name == container) {
            self.containers.retain(|story| story.name == container);
            return Ok(());
        }
        Err(self.containers.iter().map(|story| story.name.as_str()).collect::<Vec<_>>().join(", "))
    }
}
