//! What is remembered of a Pod for the day on which one of its revision must go.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::lifecycle::ObservedPod;

/// A phase of a Pod that has not ended. Those come first that go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not everything in it has been started.
    #[default]
    Pending,
    /// Its node does not say.
    Unknown,
    /// It has been started.
    Running,
}

/// What is remembered of a Pod for the day on which one must go, besides what is remembered anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its phase.
    pub phase: Phase,
    /// Its annotation `controller.kubernetes.io/pod-deletion-cost`: the lowest goes first.
    pub cost: i32,
    /// A short name of the node it is bound to; 0 without one. That two nodes share one is rare, and does no harm.
    pub node: u32,
    /// The most restarts of an app container, and of a sidecar.
    pub restarts: (u32, u32),
    /// The second since 1970 at which it was created; the highest there is where that is not known yet.
    pub created: u32,
}

impl Default for Standing {
    /// A Pod of which nothing is known but that it is new.
    fn default() -> Self {
        Self { phase: Phase::default(), cost: 0, node: 0, restarts: (0, 0), created: u32::MAX }
    }
}

impl Standing {
    /// That of `pod`.
    pub fn of(pod: &ObservedPod) -> Self {
        let phase = match pod.status.phase.as_deref() {
            Some("Running") => Phase::Running,
            Some("Unknown") => Phase::Unknown,
            _ => Phase::Pending,
        };
        Self {
            phase,
            cost: pod.deletion_cost,
            node: pod.spec.node_name.as_deref().map_or(0, short_name),
            restarts: most_restarts(pod),
            created: pod.created.and_then(|at| u32::try_from(at.as_second()).ok()).unwrap_or(u32::MAX),
        }
    }
}

fn short_name(node: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    // The lower half is as good as any.
    u32::try_from(hasher.finish() & u64::from(u32::MAX)).unwrap_or_default().max(1)
}

fn most_restarts(pod: &ObservedPod) -> (u32, u32) {
    let status = &pod.status;
    let is_sidecar =
        |name: &str| pod.spec.init_containers.iter().any(|init| init.name == name && init.is_sidecar());
    let sidecars = status.init_container_statuses.iter().filter(|container| is_sidecar(&container.name));
    let apps = status.container_statuses.iter().map(|container| container.restart_count);
    (apps.max().unwrap_or(0), sidecars.map(|container| container.restart_count).max().unwrap_or(0))
}
