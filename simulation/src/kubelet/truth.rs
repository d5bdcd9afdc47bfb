//! What really happened, whatever the API shows of it.

use hooked_protocol::Hook;
use jiff::Timestamp;

/// How a run of a hook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunEnd {
    /// It exited with 0.
    Succeeded,
    /// It exited otherwise.
    Failed,
    /// Its runner ended it by its timeout.
    TimedOut,
    /// The grace period was over before it.
    CutOff,
    /// Its container's program ended and took it along.
    LostWithProgram,
    /// The kubelet that had called it was restarted.
    LostWithKubelet,
    /// Its node went away, or was restarted, and took it along.
    LostWithNode,
}

/// One run of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// The Pod.
    pub pod_uid: String,
    /// The container's name.
    pub container: String,
    /// Which instance of the container, from 1.
    pub instance: u32,
    /// Which hook.
    pub hook: Hook,
    /// Whether it ran under the hook-runner with a termination log to record into.
    pub recorded: bool,
    /// When it began.
    pub began: Timestamp,
    /// When the grace period of a preStop is over.
    pub deadline: Option<Timestamp>,
    /// When and how it ended; none while it runs.
    pub end: Option<(Timestamp, RunEnd)>,
}

/// Why a container was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopCause {
    /// Its postStart hook failed.
    PostStartHook,
    /// Its liveness probe failed.
    LivenessProbe,
    /// Its startup probe failed.
    StartupProbe,
    /// The Pod was deleted.
    Deletion,
    /// The kubelet evicted the Pod.
    Eviction,
}

/// One instance of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The Pod.
    pub pod_uid: String,
    /// The container's name.
    pub container: String,
    /// Which instance, from 1.
    pub instance: u32,
    /// When it started.
    pub started: Timestamp,
    /// When and why the kubelet began to stop it; none for one that ended by itself.
    pub stop: Option<(Timestamp, StopCause)>,
    /// When it ended, and with which code; none while it is there.
    pub end: Option<(Timestamp, i32)>,
    /// Whether the grace period ended it by SIGKILL.
    pub killed: bool,
    /// Whether it ran out of memory.
    pub out_of_memory: bool,
    /// Whether the kubelet was restarted when it had begun to stop the instance, and has forgotten why, and that.
    pub is_forgiven: bool,
}

/// All runs of hooks and all instances of containers, in the order in which they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// The runs of hooks.
    pub runs: Vec<HookRun>,
    /// The instances of containers.
    pub instances: Vec<Instance>,
}

impl Truth {
    /// The runs in one Pod.
    pub fn runs_of<'a>(&'a self, pod_uid: &'a str) -> impl Iterator<Item = &'a HookRun> {
        self.runs.iter().filter(move |run| run.pod_uid == pod_uid)
    }

    /// The instances in one Pod.
    pub fn instances_of<'a>(&'a self, pod_uid: &'a str) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| instance.pod_uid == pod_uid)
    }

    /// Ends a run that goes on.
    pub(super) fn end_run(&mut self, run: usize, end: RunEnd, now: Timestamp) {
        if let Some(run) = self.runs.get_mut(run) {
            run.end.get_or_insert((now, end));
        }
    }
}
