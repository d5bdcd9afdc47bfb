//! What is known of one instance of a container.

use hooked_protocol::{Record, RunId};
use jiff::Timestamp;

use super::container_id::ContainerId;
use super::earliest::earliest;
use crate::lifecycle::inability::Inability;
use crate::small_map::SmallMap;

/// What is known of one instance of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceEvidence {
    /// The runtime's name for it.
    pub(crate) container: Option<ContainerId>,
    /// Second in which it was started.
    pub started_at: Option<i64>,
    /// When we first saw it running.
    pub running_seen: Option<Timestamp>,
    /// Second by which every container of the Pod was ready, if it ran then.
    pub ready_at: Option<i64>,
    /// What the status shows of a failed postStart hook.
    pub post_start_error: Option<PostStartError>,
    /// How it ended.
    pub end: Option<End>,
    /// When we first saw that it had ended.
    pub end_seen: Option<Timestamp>,
    /// It had ended before its Pod's deletion was asked for.
    pub ended_undeleted: bool,
    /// It had ended, and the sandbox that it was started in was still there.
    pub outlived_by_sandbox: bool,
    /// After it the kubelet was about to start the container again.
    pub restarts: Option<Restart>,
    /// What the runner has recorded in its termination log, by run.
    pub records: SmallMap<RunId, Record>,
}

/// How a container is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restart {
    /// By itself.
    Alone,
    /// With all containers of its Pod, since the end of another one asks for that: the kubelet has stopped and removed
    /// it.
    WithAll,
}

/// `waiting.reason=PostStartHookError`. The kubelet's message may hold the hook's output, which may be
/// secret: only the exit status and what is wrong with the runner are
/// taken from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostStartError {
    /// The exit status of an exec hook's process.
    pub exit_code: Option<i32>,
    /// Why the hook-runner could not be executed, if that is why: the hook itself has not run.
    pub inability: Option<Inability>,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Second in which it ended; none if the kubelet does not know.
    pub finished_at: Option<i64>,
    /// Second by which it had ended: that in which it did, or in which it was found to have.
    pub over_by: Option<i64>,
    /// The program's exit status.
    pub exit_code: i32,
    /// A process in it was killed because memory ran out: its program, a child of it, or a hook.
    pub out_of_memory: bool,
    /// The kubelet or the runtime has lost track of it and made the exit status up.
    pub made_up: bool,
    /// It could not be started, so none of its hooks ran.
    pub unstarted: bool,
}

impl InstanceEvidence {
    pub(super) fn merge(&mut self, other: Self) {
        let Self { started_at, running_seen, ready_at, post_start_error, end, end_seen, .. } = other;
        let Self { container, ended_undeleted, outlived_by_sandbox, restarts, records, .. } = other;
        self.container = earliest(self.container, container);
        let ours = std::mem::take(&mut self.records);
        let merged = hooked_protocol::merge(ours.into_values().chain(records.into_values()));
        self.records = merged.into_iter().collect();
        self.started_at = earliest(self.started_at, started_at);
        self.running_seen = earliest(self.running_seen, running_seen);
        self.ready_at = earliest(self.ready_at, ready_at);
        self.post_start_error = earliest(self.post_start_error.take(), post_start_error);
        self.end = earliest(self.end, end);
        self.end_seen = earliest(self.end_seen, end_seen);
        self.ended_undeleted |= ended_undeleted;
        self.outlived_by_sandbox |= outlived_by_sandbox;
        self.restarts = self.restarts.max(restarts);
    }
}
