//! A Pod of a workload with its containers and how their hooks went.

use hooked_core::lifecycle::{ContainerKind, ContainerStory, ObservedPod, PodStory, explain};
use hooked_core::status::describe;
use hooked_crd::{HandlerKind, HookKind, HookRunStatus, Outcome};
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use crate::pods::{PodObject, container_state, observed, state_of};

/// A Pod.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodRow {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) revision: String,
    pub(crate) node: Option<String>,
    /// Such as `Running` or `CrashLoopBackOff`; `gone` of one that is only remembered.
    pub(crate) state: String,
    pub(crate) ready: bool,
    pub(crate) terminating: bool,
    pub(crate) restarts: u32,
    pub(crate) created: Option<Timestamp>,
    /// Seconds that a stop may take.
    #[serde(rename = "gracePeriodSeconds")]
    pub(crate) grace: Option<u64>,
    pub(crate) containers: Vec<ContainerRow>,
}

/// A container.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerRow {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) restarts: u32,
    pub(crate) hooks: Vec<HookRow>,
}

/// A hook of a container, and its newest run that anything is known of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookRow {
    pub(crate) hook: HookKind,
    pub(crate) handler: HandlerKind,
    pub(crate) run: Option<HookRunStatus>,
}

impl PodRow {
    /// What a Pod itself shows at `now`.
    pub(crate) fn of(pod: &PodObject, now: Timestamp) -> Self {
        let observed = observed(pod);
        let grace = observed.deletion_grace_seconds.filter(|seconds| *seconds > 0);
        let grace = grace.or(observed.spec.termination_grace_period_seconds);
        let restarts = observed.container_statuses().map(|status| status.restart_count).sum();
        Self {
            state: state_of(&observed),
            ready: observed.status.true_since("Ready").is_some(),
            terminating: observed.deletion_timestamp.is_some(),
            restarts,
            created: pod.creation_timestamp().map(|time| time.0),
            grace: grace.and_then(|seconds| u64::try_from(seconds).ok()),
            containers: containers(&observed, &explain(&observed, &[], now)),
            name: observed.name,
            uid: observed.uid,
            revision: observed.revision,
            node: observed.spec.node_name,
        }
    }

    /// A Pod of which only its runs are left, `run` among them.
    pub(crate) fn gone(run: &HookRunStatus, recorded: &[HookRunStatus]) -> Self {
        let mut containers: Vec<ContainerRow> = Vec::new();
        for run in recorded.iter().filter(|other| other.pod_uid == run.pod_uid) {
            let index = containers.iter().position(|row| row.name == run.container).unwrap_or_else(|| {
                containers.push(ContainerRow {
                    name: run.container.clone(),
                    state: "gone".to_owned(),
                    restarts: u32::try_from(run.restart_count).unwrap_or(0),
                    hooks: Vec::new(),
                });
                containers.len() - 1
            });
            let hooks = &mut containers[index].hooks;
            // The first of a hook is its newest.
            if hooks.iter().all(|row| row.hook != run.hook) {
                hooks.push(HookRow { hook: run.hook, handler: run.handler, run: Some(run.clone()) });
                hooks.sort_by_key(|row| row.hook);
            }
        }
        Self {
            name: run.pod.clone(),
            uid: run.pod_uid.clone(),
            revision: String::new(),
            node: run.node.clone(),
            state: "gone".to_owned(),
            ready: false,
            terminating: false,
            restarts: containers.iter().map(|row| row.restarts).sum(),
            created: None,
            grace: None,
            containers,
        }
    }

    /// Says that nobody has looked whether it is there.
    pub(crate) fn unseen(&mut self) {
        self.containers.iter_mut().map(|row| &mut row.state).chain([&mut self.state]).for_each(|state| {
            "not seen".clone_into(state);
        });
    }

    /// The Pod with what the operator has recorded of its hooks: it has seen more than the Pod shows now.
    #[must_use]
    pub(crate) fn with_runs(&self, recorded: &[HookRunStatus]) -> Self {
        let mut pod = self.clone();
        let ours: Vec<&HookRunStatus> = recorded.iter().filter(|run| run.pod_uid == self.uid).collect();
        for container in &mut pod.containers {
            for hook in &mut container.hooks {
                let of_hook = |run: &&HookRunStatus| run.container == container.name && run.hook == hook.hook;
                // The first of a hook is its newest.
                let newest = ours.iter().copied().find(of_hook);
                if let Some(run) = newest.filter(|run| supersedes(run, hook.run.as_ref())) {
                    hook.run = Some(run.clone());
                }
            }
        }
        pod
    }

    /// Whether the newest run of one of its hooks failed.
    pub(super) fn has_failed_hook(&self) -> bool {
        let mut hooks = self.containers.iter().flat_map(|container| &container.hooks);
        hooks.any(|hook| {
            hook.run.as_ref().is_some_and(|run| matches!(run.outcome, Outcome::Failed | Outcome::TimedOut))
        })
    }

    /// The runs that are known of it.
    pub(super) fn runs_mut(&mut self) -> impl Iterator<Item = &mut HookRunStatus> {
        let hooks = self.containers.iter_mut().flat_map(|container| &mut container.hooks);
        hooks.filter_map(|hook| hook.run.as_mut())
    }
}

/// Whether a recorded run says more than what a Pod shows: it is no older, or of the newer one nothing is
/// known.
fn supersedes(recorded: &HookRunStatus, shown: Option<&HookRunStatus>) -> bool {
    shown.is_none_or(|shown| {
        shown.restart_count <= recorded.restart_count || shown.outcome == Outcome::Unknown
    })
}

/// The containers that may have hooks, sidecars first, as they start.
fn containers(observed: &ObservedPod, story: &PodStory) -> Vec<ContainerRow> {
    let may_have_hooks = story.containers.iter().filter(|container| container.kind != ContainerKind::Init);
    may_have_hooks.map(|container| row(observed, container)).collect()
}

fn row(observed: &ObservedPod, story: &ContainerStory) -> ContainerRow {
    let status = observed.container_statuses().find(|status| status.name == *story.name);
    let hooks = story.hooks.iter().filter_map(|(hook, handler)| {
        Some(HookRow { hook, handler: (*handler)?, run: story.newest_run(hook).map(describe) })
    });
    ContainerRow {
        name: story.name.to_string(),
        state: status.map_or_else(|| "not started".to_owned(), |status| container_state(&status.state)),
        restarts: status.map_or(0, |status| status.restart_count),
        hooks: hooks.collect(),
    }
}
