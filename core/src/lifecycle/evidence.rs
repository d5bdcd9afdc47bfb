//! Facts about one Pod's containers, grouped by the container's instances.
//!
//! Merging is commutative and idempotent: facts may come in any order, again and again, and late.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_protocol::{Record, RunId};
use jiff::Timestamp;

use super::live::LiveRecords;
use crate::lifecycle::{PerHook, PodShape};

/// All that is known of a Pod's hook runs and kills and not counted yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodEvidence {
    /// The Pod's name.
    pub pod: Arc<str>,
    /// The Pod's UID.
    pub uid: Arc<str>,
    /// The node it is bound to.
    pub node: Option<Arc<str>>,
    /// What its containers' hooks and probes are.
    pub shape: Arc<PodShape>,
    /// The deletion of the Pod.
    pub stop: Option<Stop>,
    /// Second in which the kubelet evicted the Pod, or by which it had.
    pub evicted_at: Option<i64>,
    /// The control plane deleted the Pod because its node was gone, or did not answer.
    pub node_lost: bool,
    /// Somebody has changed the Pod's spec since it was created, or may have.
    pub changed: bool,
    /// Nothing more will be said: every container has ended for good, or nobody is left to say it.
    pub closed: Option<Closed>,
    /// What is known of each container.
    pub containers: BTreeMap<Arc<str>, ContainerEvidence>,
}

/// Why nothing more will be said of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// The kubelet reported the end of the Pod.
    Over,
    /// The Pod is gone from the API without the kubelet's last word.
    Gone,
    /// The kubelet was silent for too long after the deletion.
    Silent,
}

/// The deletion of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Second in which the deletion was asked for; the earliest that was seen.
    pub began: i64,
    /// Seconds of grace in force: those of the first deletion, or of the Pod's spec where that was not seen.
    pub grace: i64,
    /// Somebody deleted the Pod with a grace of 0 while it was still running.
    pub forced: bool,
    /// False if only the kubelet's last deletion was seen: then the stop began at `began` or before.
    pub exact: bool,
}

impl Stop {
    /// Both of two sightings of the same deletion.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        // A later deletion may come in the same second, and can only shorten the grace: the longest is the first.
        let key = |stop: Self| (!stop.exact, stop.began, Reverse(stop.grace));
        let first = if key(other) < key(self) { other } else { self };
        Self { forced: self.forced || other.forced, ..first }
    }

    /// The second in which the grace period ends, or after its end where the stop is not exact.
    pub fn deadline(self) -> i64 {
        self.began.saturating_add(self.grace)
    }
}

/// What is known of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerEvidence {
    /// Each instance of the container, from 1, that anything is known of.
    pub instances: BTreeMap<u32, InstanceEvidence>,
    /// The kubelet's Events about it.
    pub events: EventEvidence,
    /// What its runners have told while their hooks ran.
    pub live: LiveRecords,
}

/// Seconds in which the kubelet said something of a container in an Event. Repeated Events show only their last time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventEvidence {
    /// `Started`: recorded just before a postStart hook.
    pub started: BTreeSet<i64>,
    /// `Killing`: recorded just before a preStop hook.
    pub killing: BTreeSet<(i64, KillingCause)>,
    /// `FailedPostStartHook` and `FailedPreStopHook`.
    pub hook_failed: PerHook<BTreeSet<i64>>,
}

/// Why the kubelet said it kills a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KillingCause {
    /// Its postStart hook failed.
    PostStartHook,
    /// Its liveness probe failed.
    LivenessProbe,
    /// Its startup probe failed.
    StartupProbe,
    /// An ordinary stop, or anything else.
    Stop,
}

/// What is known of one instance of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceEvidence {
    /// Second in which it was started.
    pub started_at: Option<i64>,
    /// When we first saw it running.
    pub running_seen: Option<Timestamp>,
    /// Second by which every container of the Pod was ready, if it ran then.
    pub ready_at: Option<i64>,
    /// What the status says of its failed postStart hook.
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
    pub restarts: bool,
    /// What the runner has recorded in its termination log, by run.
    pub records: BTreeMap<RunId, Record>,
}

/// `waiting.reason=PostStartHookError`. The message that goes with it may hold the hook's output, which may be secret: just
/// this is taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostStartError {
    /// The exit status of an exec hook's process.
    pub exit_code: Option<i32>,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Second in which it ended; none if the kubelet does not know.
    pub finished_at: Option<i64>,
    /// The program's exit status.
    pub exit_code: i32,
    /// It ran out of memory.
    pub out_of_memory: bool,
    /// The kubelet has lost track of it and made the exit status up.
    pub made_up: bool,
    /// It could not be started, so none of its hooks ran.
    pub unstarted: bool,
}

impl PodEvidence {
    /// Forgets what is counted and can no longer decide anything. What the present instances are is kept: an Event that
    /// comes later must find them.
    pub fn prune(&mut self) {
        for container in self.containers.values_mut() {
            container.prune();
        }
    }

    /// What a runner has told of a run in `container`.
    pub fn of_live(container: &str, record: Record) -> Self {
        let mut facts = ContainerEvidence::default();
        facts.live.insert(record);
        Self { containers: [(Arc::from(container), facts)].into(), ..Self::default() }
    }

    /// Takes in other facts about the same Pod.
    pub fn merge(&mut self, other: Self) {
        let Self { pod, uid, node, shape, stop, containers, .. } = other;
        if !uid.is_empty() {
            (self.pod, self.uid) = (pod, uid);
        }
        if !shape.containers.is_empty() {
            self.shape = shape;
        }
        self.node = self.node.take().or(node);
        self.stop = match (self.stop, stop) {
            (Some(ours), Some(theirs)) => Some(ours.merge(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.evicted_at = earliest(self.evicted_at, other.evicted_at);
        self.node_lost |= other.node_lost;
        self.changed |= other.changed;
        self.closed = earliest(self.closed, other.closed);
        for (name, facts) in containers {
            self.containers.entry(name).or_default().merge(facts);
        }
    }
}

impl ContainerEvidence {
    /// Forgets what can no longer decide anything: instances before the latest, and Events up to its beginning.
    fn prune(&mut self) {
        let Some((latest, instance)) = self.instances.pop_last() else { return };
        if let Some(began) = instance.started_at {
            self.events.prune(began);
            self.live.prune(began);
        }
        self.instances = BTreeMap::from([(latest, instance)]);
    }

    fn merge(&mut self, other: Self) {
        let Self { instances, events, live } = other;
        for (number, facts) in instances {
            self.instances.entry(number).or_default().merge(facts);
        }
        self.events.merge(events);
        self.live.merge(live);
    }
}

/// Seconds that are remembered of each kind of Event of a container. The kubelet sends far fewer between two instances;
/// more can only be forged.
const MOST_SECONDS: usize = 64;

impl EventEvidence {
    fn prune(&mut self, began: i64) {
        let Self { started, killing, hook_failed: PerHook { post_start, pre_stop } } = self;
        for seconds in [started, post_start, pre_stop] {
            seconds.retain(|second| *second > began);
        }
        killing.retain(|(second, _)| *second > began);
    }

    fn merge(&mut self, other: Self) {
        let Self { started, killing, hook_failed } = other;
        self.started.extend(started);
        self.killing.extend(killing);
        keep_newest(&mut self.started);
        hook_failed.map(|hook, seconds| {
            self.hook_failed[hook].extend(seconds);
            keep_newest(&mut self.hook_failed[hook]);
        });
        keep_newest(&mut self.killing);
    }
}

impl InstanceEvidence {
    fn merge(&mut self, other: Self) {
        let Self { started_at, running_seen, ready_at, post_start_error, end, end_seen, .. } = other;
        let Self { ended_undeleted, outlived_by_sandbox, restarts, records, .. } = other;
        let ours = std::mem::take(&mut self.records);
        self.records = hooked_protocol::merge(ours.into_values().chain(records.into_values()));
        self.started_at = earliest(self.started_at, started_at);
        self.running_seen = earliest(self.running_seen, running_seen);
        self.ready_at = earliest(self.ready_at, ready_at);
        self.post_start_error = earliest(self.post_start_error.take(), post_start_error);
        self.end = earliest(self.end, end);
        self.end_seen = earliest(self.end_seen, end_seen);
        self.ended_undeleted |= ended_undeleted;
        self.outlived_by_sandbox |= outlived_by_sandbox;
        self.restarts |= restarts;
    }
}

fn keep_newest<T: Ord>(seconds: &mut BTreeSet<T>) {
    while seconds.len() > MOST_SECONDS {
        seconds.pop_first();
    }
}

/// The lesser of two that are known: a choice that does not depend on the order in which they came.
fn earliest<T: Ord>(ours: Option<T>, theirs: Option<T>) -> Option<T> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
        (ours, theirs) => ours.or(theirs),
    }
}
