//! What happened in one Pod, for people: how each instance of each container stands, and what shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, Outcome};
use serde::Serialize;

use super::evidence::{End, KillingCause, Stop};
use super::per_hook::PerHook;
use super::run::{HookRun, Kill};

/// What happened in a Pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodStory {
    /// Init containers, then app containers, each in the order of the spec.
    pub containers: Vec<ContainerStory>,
}

/// What happened in a container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerStory {
    /// The container's name.
    pub name: Arc<str>,
    /// Which kind of container it is.
    pub kind: ContainerKind,
    /// What each hook does that the container has.
    pub hooks: PerHook<Option<HandlerKind>>,
    /// The hook that runs now.
    pub running: Option<HookRun>,
    /// The instances that the API still knows, the latest first.
    pub instances: Vec<InstanceStory>,
    /// What records of later runs show of instances that the API no longer knows, by their numbers.
    pub earlier: BTreeMap<u32, Settled>,
}

/// The kinds of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// It ends before the app containers begin. It has no hooks, and may be killed as any container.
    Init,
    /// An init container that goes on beside the app containers.
    Sidecar,
    /// An app container.
    App,
}

/// What became of an instance of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceStory {
    /// Which instance, from 1: one more than the restarts before it.
    pub number: u32,
    /// How the instance stands.
    pub fate: Fate,
    /// The instance's hook runs and its kill, as far as they are settled.
    pub settled: Settled,
    /// What is known of the instance's end, the strongest source first.
    pub facts: Vec<Fact>,
}

/// What is settled of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// How its hooks ran.
    pub hooks: PerHook<Option<HookRun>>,
    /// Whether and why the instance was killed.
    pub kill: Option<Kill>,
}

/// How an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It is running.
    Running,
    /// The kubelet is stopping it: its preStop hook runs, or its program ends.
    Stopping,
    /// It was killed.
    Killed,
    /// It ended in time when it was asked to.
    Stopped,
    /// Its program ended by itself.
    Ended,
    /// It could not be started.
    NotStarted,
}

/// Something that is known of an instance, by its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The runner has recorded the beginning of a hook's run, and no end.
    RecordedBeginning(HookKind),
    /// The runner has recorded how a hook's run ended.
    RecordedEnd {
        /// Which hook.
        hook: HookKind,
        /// How the run ended.
        outcome: Outcome,
        /// How often the hook was tried.
        attempts: u32,
    },
    /// The container's status shows the end.
    Ended(End),
    /// The container's status shows `PostStartHookError`.
    PostStartError,
    /// The kubelet had evicted the Pod by this second.
    Evicted(i64),
    /// An Event in this second reports that a hook failed.
    HookFailed(HookKind, i64),
    /// An Event in this second reports that the kubelet kills the container.
    Killing(i64, KillingCause),
    /// The Pod's metadata shows the deletion.
    Deleted(Stop),
}

impl ContainerStory {
    /// The newest run of a hook that anything is known of.
    pub fn newest_run(&self, hook: HookKind) -> Option<&HookRun> {
        let earlier = self.earlier.values();
        let settled = earlier.chain(self.instances.iter().rev().map(|instance| &instance.settled));
        let runs = settled.filter_map(|settled| settled.hooks[hook].as_ref());
        runs.chain(self.running.iter().filter(|run| run.id.hook == hook)).last()
    }
}

impl InstanceStory {
    /// How the instance ended, if the container's status shows it.
    pub fn end(&self) -> Option<End> {
        self.facts.iter().find_map(|fact| if let Fact::Ended(end) = fact { Some(*end) } else { None })
    }

    /// The deletion of the Pod, if it had begun when the instance ended.
    pub fn stop(&self) -> Option<Stop> {
        self.facts.iter().find_map(|fact| if let Fact::Deleted(stop) = fact { Some(*stop) } else { None })
    }
}
