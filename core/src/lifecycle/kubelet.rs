//! The only reader of the kubelet's strings and exit codes. Everything else sees [`super::evidence`].
//!
//! Sources: `pkg/kubelet/kuberuntime/kuberuntime_container.go` and `pkg/kubelet/kubelet_pods.go` of
//! Kubernetes 1.36.

mod inability;
mod proven;
mod signal;

use std::sync::Arc;

use hooked_crd::HookKind;
use jiff::Timestamp;

use super::evidence::{
    Closed, ContainerEvidence, ContainerId, End, EventEvidence, InstanceEvidence, KillingCause, PodEvidence,
    PostStartError, Restart, Stop,
};
use crate::lifecycle::{
    ContainerState, ContainerStateKind, ContainerStatus, ObservedPod, PodCondition, PodShape,
};

pub use inability::{begins_again, has_installed, inability};
pub use proven::proven;
pub(super) use signal::{hook_got_sigkill, hook_may_be_sigkilled, may_be_sigkill};
pub use signal::{may_be_killed_by_memory, signal_of};

/// Reasons of kubelet Events that are evidence.
pub const EVENT_REASONS: [&str; 5] = [STARTED, KILLING, FAILED_POST_START, FAILED_PRE_STOP, EVICTED];
const STARTED: &str = "Started";
const KILLING: &str = "Killing";
const FAILED_POST_START: &str = "FailedPostStartHook";
const FAILED_PRE_STOP: &str = "FailedPreStopHook";
/// Reasons of a waiting container of which the kubelet knows no instance.
const NOT_STARTED: [&str; 2] = ["ContainerCreating", "PodInitializing"];
/// The reason of a waiting container whose postStart hook has failed.
pub const POST_START_ERROR: &str = "PostStartHookError";
/// The reason of a container's end when memory ran out.
pub const OUT_OF_MEMORY: &str = "OOMKilled";
const FAILED_LIVENESS_PROBE: &str = "failed liveness probe";
const FAILED_STARTUP_PROBE: &str = "failed startup probe";
/// The container's image was changed in place, or its resources, and its resize policy asks for a restart.
const SPEC_CHANGED: [&str; 2] = ["definition changed", "resize requires restart"];
/// All that the kubelet says of a container that it stops since another one's end restarts them all (KEP-5532).
const RESTARTED_WITH_ALL: &str = "killing";
/// The reason of the end of such a container.
const RESTARTING_ALL: &str = "RestartingAllContainers";
/// The reason of an end that the kubelet has made up.
const LOST_TRACK: &str = "ContainerStatusUnknown";
/// The reason of an end that containerd has made up, with the exit status: it found the container dead when it was
/// started itself, as after a reboot (`unknownContainerStatus` in internal/cri/server/helpers.go).
const FOUND_DEAD: (&str, i32) = ("Unknown", 255);
/// Also the reason in the status of a Pod that was evicted.
const EVICTED: &str = "Evicted";
/// Why a Pod is disrupted that its kubelet ends.
const TERMINATION_BY_KUBELET: &str = "TerminationByKubelet";
/// What the kubelet says where it ends a Pod for another reason than pressure on the node
/// (`pkg/kubelet/nodeshutdown`, `pkg/kubelet/preemption`).
const NO_EVICTION: [&str; 2] = ["node shutdown", "Preempted"];

impl ObservedPod {
    /// Whether nothing can run in the Pod any more.
    pub fn is_over(&self) -> bool {
        matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed"))
    }
}

/// What a Pod's status shows, seen at `now`.
pub fn read_pod(observed: &ObservedPod, now: Timestamp) -> PodEvidence {
    read_shaped_pod(observed, observed.shape(), now)
}

/// What a Pod's status shows of the containers in `shape`, seen at `now`.
pub(super) fn read_shaped_pod(observed: &ObservedPod, shape: PodShape, now: Timestamp) -> PodEvidence {
    let over = observed.is_over();
    let never_bound = observed.deletion_timestamp.is_some() && observed.spec.node_name.is_none();
    let running = observed.container_statuses().any(|c| c.state.running.is_some());
    let pod = OfPod {
        ready_at: observed.status.true_since("ContainersReady").map(Timestamp::as_second),
        sandbox_since: observed.status.true_since("PodReadyToStartContainers").map(Timestamp::as_second),
        deleted: observed.deletion_timestamp.is_some(),
        now,
    };
    let containers = observed
        .container_statuses()
        .filter(|status| shape.containers.contains_key(status.name.as_str()))
        .map(|status| (Arc::from(status.name.as_str()), read_container(status, pod)))
        .collect();
    PodEvidence {
        pod: observed.name.as_str().into(),
        uid: observed.uid.as_str().into(),
        revision: observed.revision.as_str().into(),
        created: observed.created.map(Timestamp::as_second),
        node: observed.spec.node_name.as_deref().map(Arc::from),
        shape: Arc::new(shape),
        stop: read_stop(observed, running),
        evicted_at: read_eviction(observed, now),
        node_lost: observed.status.holding("DisruptionTarget").is_some_and(is_by_loss_of_node),
        changed: has_changed(observed),
        // Nothing can have run in a Pod that was deleted before it was bound, and no kubelet will ever report
        // it.
        closed: (over || never_bound).then_some(Closed::Over),
        containers,
    }
}

/// An eviction by the kubelet, as far as the status shows it: only the Event has the time, and only a program
/// that fails when it is stopped leaves the reason in the status; of all others the condition tells (KEP-3329).
/// The eviction had come when the first of the containers ended, or by now where the kubelet has forgotten all
/// containers.
fn read_eviction(observed: &ObservedPod, now: Timestamp) -> Option<i64> {
    let disrupted = observed.status.holding("DisruptionTarget");
    let by_kubelet = disrupted.is_some_and(|condition| {
        let is_eviction = !NO_EVICTION.iter().any(|words| condition.message.contains(words));
        condition.reason == TERMINATION_BY_KUBELET && is_eviction
    });
    (by_kubelet || observed.status.reason.as_deref() == Some(EVICTED)).then_some(())?;
    // A container that waited to be started again had ended before, by itself.
    let stopped = observed.container_statuses().filter(|status| !has_waited(status));
    let ends = stopped.filter_map(|status| known(status.state.terminated.as_ref()?.finished_at));
    ends.min().or(Some(now.as_second()))
}

/// Whether the Pod's spec is no longer the one that the Pod was created with. A Pod's generation begins with
/// 1, and the deletion adds to the generation (KEP-5067); API servers before 1.33 do not count, and nothing
/// is known there.
fn has_changed(observed: &ObservedPod) -> bool {
    observed.generation != Some(1 + i64::from(observed.deletion_timestamp.is_some()))
}

/// Why the control plane deleted the Pod (KEP-3329): the node stopped answering and its taint evicts, or is
/// no more. A taint that somebody has set on a living node has the same reason; but then the kubelet reports
/// the end.
fn is_by_loss_of_node(disruption: &PodCondition) -> bool {
    matches!(disruption.reason.as_str(), "DeletionByTaintManager" | "DeletionByPodGC")
}

/// The deletion. When all containers have ended the kubelet deletes the Pod a last time, with a grace of 0.
/// That is no proof that a person forced the deletion, and the stop had other numbers: the timestamp is then
/// the moment of that last deletion (`BeforeDelete` in
/// staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go never moves it into the past).
fn read_stop(observed: &ObservedPod, running: bool) -> Option<Stop> {
    let timestamp = observed.deletion_timestamp?.as_second();
    let grace = observed.deletion_grace_seconds.unwrap_or(0);
    let forced = grace == 0 && running;
    let asked = observed.spec.grace();
    if grace == 0 && !running {
        return Some(Stop { began: timestamp, grace: asked, forced: false, exact: false, shortened: false });
    }
    let began = timestamp.saturating_sub(grace);
    // The kubelet works with at least one second, also where the deletion gave none.
    Some(Stop { began, grace: grace.max(1), forced, exact: true, shortened: grace < asked })
}

/// What the status shows of the Pod as a whole, for reading what it shows of containers.
#[derive(Clone, Copy)]
struct OfPod {
    ready_at: Option<i64>,
    /// Since when its sandbox is there, if it is (KEP-3085).
    sandbox_since: Option<i64>,
    deleted: bool,
    now: Timestamp,
}

fn read_container(status: &ContainerStatus, pod: OfPod) -> ContainerEvidence {
    let latest = status.restart_count + 1;
    let mut evidence = ContainerEvidence::default();
    let mut add = |number: u32, facts: InstanceEvidence| {
        evidence.instances.insert(number, facts);
    };
    match status.state.kind() {
        ContainerStateKind::Running(running) => {
            let started_at = running.started_at.map(Timestamp::as_second);
            // "Ready since" of an earlier instance is no bound for this one.
            let ready_at = pod.ready_at.filter(|ready| started_at.is_some_and(|started| *ready >= started));
            let container = ContainerId::of(&status.container_id);
            let running_seen = Some(pod.now);
            add(
                latest,
                InstanceEvidence { container, started_at, running_seen, ready_at, ..Default::default() },
            );
            add_ended(&mut add, status.restart_count, &status.last_state, pod);
        }
        // The kubelet has removed the container, and counted its restart before it.
        ContainerStateKind::Terminated(ended) if ended.reason == RESTARTING_ALL => {
            if status.restart_count > 0 {
                let seen = InstanceEvidence { end_seen: Some(pod.now), ..Default::default() };
                let facts = InstanceEvidence { restarts: Some(Restart::WithAll), ..seen };
                add(status.restart_count, facts);
            }
        }
        ContainerStateKind::Terminated(_) => {
            if has_waited(status) {
                if let Some(facts) = ended(&status.state, pod) {
                    add(latest, InstanceEvidence { restarts: Some(Restart::Alone), ..facts });
                }
            } else {
                add_ended(&mut add, latest, &status.state, pod);
                add_ended(&mut add, status.restart_count, &status.last_state, pod);
            }
        }
        // Of an instance that has vanished from its node nothing is left but the end of the instance before
        // (`convertToAPIContainerStatuses`).
        ContainerStateKind::Waiting(waiting) if is_before_start(&waiting.reason) => {
            add_ended(&mut add, status.restart_count, &status.last_state, pod);
        }
        ContainerStateKind::Waiting(waiting) => {
            // The kubelet counts a restart when the next instance exists: until then the last ended instance
            // is the latest one.
            if let Some(mut facts) = ended(&status.last_state, pod) {
                facts.restarts = Some(Restart::Alone);
                // The reason has carried a suffix in some versions: "PostStartHookError: …".
                if waiting.reason.starts_with(POST_START_ERROR) {
                    let (exit_code, inability) =
                        (exit_code(&waiting.message), inability::of_hook(&waiting.message));
                    facts.post_start_error = Some(PostStartError { exit_code, inability });
                }
                add(latest, facts);
            }
        }
        ContainerStateKind::Unreported => {}
    }
    evidence
}

/// When a Pod is stopped while its container waits, both states show the same instance: the latest.
fn has_waited(status: &ContainerStatus) -> bool {
    let id = |state: &ContainerState| state.terminated.as_ref().map(|ended| ended.container_id.clone());
    let latest = id(&status.state).filter(|id| !id.is_empty());
    latest.is_some() && latest == id(&status.last_state)
}

fn add_ended(add: &mut impl FnMut(u32, InstanceEvidence), number: u32, state: &ContainerState, pod: OfPod) {
    if let (1.., Some(facts)) = (number, ended(state, pod)) {
        add(number, facts);
    }
}

fn ended(state: &ContainerState, pod: OfPod) -> Option<InstanceEvidence> {
    let terminated = state.terminated.as_ref()?;
    let lost_track = terminated.reason == LOST_TRACK;
    // A container that was still to be started when its Pod was deleted is made to look as if it had ended
    // (`TerminatePod` in pkg/kubelet/status/status_manager.go). It has no id, since there was none.
    if lost_track && terminated.container_id.is_empty() {
        return None;
    }
    let made_up = lost_track || (terminated.reason.as_str(), terminated.exit_code) == FOUND_DEAD;
    let over_by = known(terminated.finished_at);
    let end = End {
        // The time of a made-up end is that of its finding.
        finished_at: over_by.filter(|_| !made_up),
        over_by,
        exit_code: terminated.exit_code,
        out_of_memory: terminated.reason == OUT_OF_MEMORY,
        made_up,
        unstarted: matches!(terminated.reason.as_str(), "StartError" | "ContainerCannotRun"),
    };
    let started_at = known(terminated.started_at);
    let sandbox = pod.sandbox_since.zip(started_at);
    Some(InstanceEvidence {
        container: ContainerId::of(&terminated.container_id),
        started_at,
        end: Some(end),
        end_seen: Some(pod.now),
        ended_undeleted: !pod.deleted,
        outlived_by_sandbox: sandbox.is_some_and(|(since, started)| since <= started),
        records: hooked_protocol::merge(hooked_protocol::parse(&terminated.message)).into_iter().collect(),
        ..Default::default()
    })
}

/// The second of a time that is known. The kubelet writes zero for a container that was not started, or that
/// the kubelet no longer knows.
fn known(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_second).filter(|second| *second > 0)
}

/// An Event about a Pod, as the kubelet sends it.
#[derive(Clone, Debug)]
pub struct KubeletEvent<'a> {
    /// Such as `Killing`.
    pub reason: &'a str,
    /// The object's path, such as `spec.containers{web}`.
    pub field_path: &'a str,
    /// In words.
    pub message: &'a str,
    /// The first time; whole seconds.
    pub first: Option<Timestamp>,
    /// The last time; whole seconds.
    pub last: Option<Timestamp>,
}

/// Whether the kubelet wrote an Event: nobody else knows what a hook did. Older kubelets name themselves only
/// as the `source`, newer ones also as the `reporting` component.
pub(super) fn is_from_kubelet(source: &str, reporting: &str) -> bool {
    let component = if source.is_empty() { reporting } else { source };
    component == "kubelet"
}

/// What an Event shows; nothing if it is of no interest.
pub fn read_event(event: &KubeletEvent<'_>) -> Option<PodEvidence> {
    if event.reason == EVICTED {
        let evicted_at = event.first.or(event.last).map(Timestamp::as_second);
        return Some(PodEvidence { evicted_at, ..Default::default() });
    }
    let container = event.field_path.split_once('{')?.1.strip_suffix('}')?;
    let seconds = [event.first, event.last].into_iter().flatten().map(Timestamp::as_second);
    let mut events = EventEvidence::default();
    match event.reason {
        STARTED => events.started.extend(seconds),
        KILLING => events.killing.extend(seconds.map(|second| (second, killing_cause(event.message)))),
        FAILED_POST_START => events.hook_failed.post_start.extend(seconds),
        FAILED_PRE_STOP => events.hook_failed.pre_stop.extend(seconds),
        _ => return None,
    }
    let facts = ContainerEvidence { events, ..Default::default() };
    Some(PodEvidence { containers: [(Arc::from(container), facts)].into(), ..Default::default() })
}

/// The exit status in the kubelet's words, "… command '…' exited with 3: …".
fn exit_code(message: &str) -> Option<i32> {
    // What follows is the hook's output, which may hold such words too.
    let message = message.split(", message: ").next()?;
    let (_, rest) = message.rsplit_once("' exited with ")?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn killing_cause(message: &str) -> KillingCause {
    if message.contains(FAILED_POST_START) {
        KillingCause::PostStartHook
    } else if SPEC_CHANGED.iter().any(|words| message.contains(words)) {
        KillingCause::SpecChange
    } else if message == RESTARTED_WITH_ALL {
        KillingCause::RestartAllContainers
    } else if message.contains(FAILED_LIVENESS_PROBE) {
        KillingCause::LivenessProbe
    } else if message.contains(FAILED_STARTUP_PROBE) {
        KillingCause::StartupProbe
    } else {
        KillingCause::Stop
    }
}

/// The word by which an Event about a killed container tells of the cause; none if the Pod is stopped.
pub fn killing_word(cause: KillingCause) -> Option<&'static str> {
    match cause {
        KillingCause::PostStartHook => Some(FAILED_POST_START),
        KillingCause::LivenessProbe => Some(FAILED_LIVENESS_PROBE),
        KillingCause::StartupProbe => Some(FAILED_STARTUP_PROBE),
        KillingCause::SpecChange => Some("its spec was changed in place"),
        KillingCause::RestartAllContainers => Some("all containers of its Pod are restarted"),
        KillingCause::Stop => None,
    }
}

/// The reason of the Event that reports the failure of a hook.
pub fn failure_event(hook: HookKind) -> &'static str {
    match hook {
        HookKind::PostStart => FAILED_POST_START,
        HookKind::PreStop => FAILED_PRE_STOP,
    }
}

/// Whether a container that waits for this reason is only on its way to its start.
pub fn is_before_start(reason: &str) -> bool {
    NOT_STARTED.contains(&reason)
}
