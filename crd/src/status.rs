//! What users read: Pods, hook runs, kills and conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::HookKind;
use crate::decode;
use crate::duration::GoDuration;
use crate::schema;

/// The state of a HookedWorkload as last committed by the operator.
// What cannot be decoded is left out, since another version may have written it: all but the ledger is made anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookedWorkloadStatus {
    /// The generation of the spec that this status is about.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Owned Pods that are neither terminating nor ended.
    #[serde(deserialize_with = "decode::or_default")]
    pub replicas: i32,
    /// Owned Pods of the revision that is asked for, neither terminating nor ended.
    #[serde(deserialize_with = "decode::or_default")]
    pub updated_replicas: i32,
    /// Owned Pods that are ready, neither terminating nor ended.
    #[serde(deserialize_with = "decode::or_default")]
    pub ready_replicas: i32,
    /// Owned Pods that have been ready for at least `minReadySeconds`, neither terminating nor ended.
    #[serde(deserialize_with = "decode::or_default")]
    pub available_replicas: i32,
    /// How many more Pods must become available to make `spec.replicas`.
    #[serde(deserialize_with = "decode::or_default")]
    pub unavailable_replicas: i32,
    /// Owned Pods that are terminating and have not ended.
    #[serde(deserialize_with = "decode::or_default")]
    pub terminating_replicas: i32,
    /// The label selector in its serialized form, as autoscalers read it.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The revision that was last rolled out completely.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,
    /// The revision that Pods are being updated to.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub update_revision: Option<String>,
    /// How often two different templates have had the same revision hash.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Ready, Available, Progressing, `HooksHealthy`, Measured; Reconciling and Stalled as kstatus defines them;
    /// `ReplicaFailure` while Pods cannot be created, deleted or changed. Conditions of others are left alone.
    #[schemars(schema_with = "schema::conditions")]
    #[serde(deserialize_with = "decode::decodable")]
    pub conditions: Vec<Condition>,
    /// Revisions that have Pods or are to have some, newest first.
    #[schemars(schema_with = "schema::revisions")]
    #[serde(deserialize_with = "decode::decodable")]
    pub revisions: Vec<RevisionStatus>,
    /// All hook runs so far by outcome, and all kills because of a hook.
    #[serde(deserialize_with = "decode::or_default")]
    pub hook_totals: HookTotals,
    /// How many hooks are running.
    #[serde(deserialize_with = "decode::or_default")]
    pub hooks_running: i64,
    /// The last counted hook run as `Hook/Outcome`, such as `PreStop/Failed`.
    #[serde(deserialize_with = "decode::or_default", skip_serializing_if = "Option::is_none")]
    pub last_hook: Option<String>,
    /// Hook runs per container and hook.
    #[schemars(schema_with = "schema::hooks")]
    #[serde(deserialize_with = "decode::decodable")]
    pub hooks: Vec<HookStatus>,
    /// Killed containers by reason.
    #[schemars(schema_with = "schema::kills")]
    #[serde(deserialize_with = "decode::decodable")]
    pub kills: Vec<KillStatus>,
    /// How much of the grace period stops have used, per container, in per cent: at 100 the container is killed.
    #[schemars(schema_with = "schema::grace_used")]
    #[serde(deserialize_with = "decode::decodable", skip_serializing_if = "Vec::is_empty")]
    pub grace_used: Vec<GraceUse>,
    /// The last hook runs, newest first; failures outlive successes.
    #[serde(deserialize_with = "decode::decodable")]
    pub recent_runs: Vec<HookRunStatus>,
    /// Internal state of the operator, from which it goes on counting. Not an API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ledger")]
    pub ledger: Option<serde_json::Value>,
}

/// The Pods of one revision, as they are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionStatus {
    /// The revision: the hash of its template.
    pub revision: String,
    /// The number of its ControllerRevision, where that is known: the higher, the later it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// How many Pods it is to have now.
    pub desired: i32,
    /// Pods that are neither terminating nor ended.
    pub replicas: i32,
    /// Those of them that are ready.
    pub ready: i32,
    /// Those of them that have been ready for at least `minReadySeconds`.
    pub available: i32,
}

/// Hook runs by outcome, and hook-induced kills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookTotals {
    /// Runs that succeeded.
    pub succeeded: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Runs cut off by their own timeout or by the end of the grace period.
    pub timed_out: i64,
    /// Runs that the operator stopped because the Pod was to be removed.
    pub cancelled: i64,
    /// Runs that did not take place, such as a preStop whose container ended by itself.
    pub skipped: i64,
    /// Runs about whose outcome there is no evidence.
    pub unknown: i64,
    /// Containers killed because of a hook.
    pub kills: i64,
}

/// Runs of one hook of one container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookStatus {
    /// The container's name.
    pub container: String,
    /// Which hook.
    pub hook: HookKind,
    /// What the hook does.
    pub handler: HandlerKind,
    /// Runs that succeeded.
    pub succeeded: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Runs cut off by their own timeout or by the end of the grace period.
    pub timed_out: i64,
    /// Runs that the operator stopped because the Pod was to be removed.
    pub cancelled: i64,
    /// Runs that did not take place, such as a preStop whose container ended by itself.
    pub skipped: i64,
    /// Runs about whose outcome there is no evidence.
    pub unknown: i64,
    /// Containers killed because of this hook.
    pub kills: i64,
    /// How many runs of this hook are going on.
    pub running: i64,
    /// How long the runs took whose duration is known.
    #[serde(default)]
    pub duration: DurationSummary,
}

/// How long the runs of one hook took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DurationSummary {
    /// Runs whose duration is known.
    pub count: i64,
    /// The sum of these durations.
    pub sum: GoDuration,
    /// The longest duration; absent until one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<GoDuration>,
    /// The latest duration; absent until one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<GoDuration>,
}

/// How much of the grace period the stops of one container have used: the time from the Pod's deletion to the
/// container's end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraceUse {
    /// The container's name.
    pub container: String,
    /// How many stops are known.
    pub stops: i64,
    /// Per cent of the grace period that the last stop used.
    pub last_percent: i32,
    /// Per cent of the grace period that the longest stop used.
    pub max_percent: i32,
}

/// Containers killed for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KillStatus {
    /// Why the containers were killed: the first cause of each.
    pub reason: KillReason,
    /// How many containers were killed for this reason.
    pub count: i64,
    /// When the last of these containers ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<MicroTime>,
    /// The Pod of the last of these containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_pod: Option<String>,
    /// The name of the last of these containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_container: Option<String>,
}

/// One run of one hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookRunStatus {
    /// The Pod's name.
    pub pod: String,
    /// The Pod's UID.
    #[serde(rename = "podUID")]
    pub pod_uid: String,
    /// The node the Pod was bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The container's name.
    pub container: String,
    /// How often the container had been restarted when the hook ran.
    pub restart_count: i32,
    /// Which execution of this hook in this container of this Pod it was, from 1.
    pub execution: i64,
    /// Which hook.
    pub hook: HookKind,
    /// What the hook does.
    pub handler: HandlerKind,
    /// How the run ended, or `Running`.
    pub outcome: Outcome,
    /// When the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<MicroTime>,
    /// How long the run took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// How far the true duration may be from `duration` at most; 0s if measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_error: Option<GoDuration>,
    /// `Runner` if the hook-runner measured the run, `Kubelet` if it was inferred from Pod status and Events.
    pub source: Source,
    /// The hook's exit status, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How often the hook was tried in this run, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// Why the run ended so, in words.
    #[serde(default)]
    pub message: String,
    /// The last bytes of the hook's output, if the policy asks for them.
    #[serde(default)]
    pub output: String,
}

/// What a hook does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HandlerKind {
    /// Runs a command in the container.
    Exec,
    /// Asks a URL; the status code is never checked by the kubelet.
    #[serde(rename = "HTTPGet")]
    HttpGet,
    /// Accepted by the API server, refused by the kubelet.
    #[serde(rename = "TCPSocket")]
    TcpSocket,
    /// Waits for some seconds.
    Sleep,
}

/// How a hook run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The run has not ended.
    Running,
    /// The hook succeeded.
    Succeeded,
    /// The hook failed.
    Failed,
    /// The hook was cut off by its own timeout or by the end of the grace period.
    TimedOut,
    /// The operator stopped the hook because the Pod was to be removed.
    Cancelled,
    /// The hook did not run.
    Skipped,
    /// There is no evidence of the outcome.
    Unknown,
}

impl From<hooked_protocol::Outcome> for Outcome {
    /// How a run ended whose end the runner has seen.
    fn from(outcome: hooked_protocol::Outcome) -> Self {
        match outcome {
            hooked_protocol::Outcome::Succeeded => Self::Succeeded,
            hooked_protocol::Outcome::Failed => Self::Failed,
            hooked_protocol::Outcome::TimedOut => Self::TimedOut,
            hooked_protocol::Outcome::Cancelled => Self::Cancelled,
        }
    }
}

/// How the outcome of a hook run is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Source {
    /// The hook-runner measured it.
    Runner,
    /// The operator inferred it from Pod status and Events.
    Kubelet,
}

/// Why a container was killed: the first cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum KillReason {
    /// The container's postStart hook failed.
    PostStartHookFailed,
    /// The container's postStart hook hit its timeout.
    PostStartHookTimedOut,
    /// A stop whose preStop hook failed.
    PreStopHookFailed,
    /// A stop whose preStop hook hit its timeout.
    PreStopHookTimedOut,
    /// SIGKILL at the end of the grace period while the preStop hook was still running.
    GracePeriodExceededInPreStop,
    /// SIGKILL at the end of the grace period; the hook was done, the program did not stop.
    GracePeriodExceeded,
    /// The liveness probe failed.
    LivenessProbeFailed,
    /// The startup probe failed.
    StartupProbeFailed,
    /// The Pod's spec was changed in place, its image or its resources, and the kubelet restarted the container.
    SpecChanged,
    /// The end of another container restarted all containers of the Pod, as its `restartPolicyRules` ask.
    RestartAllContainers,
    /// Out of memory.
    #[serde(rename = "OOMKilled")]
    OomKilled,
    /// The kubelet's own eviction, under node pressure.
    Evicted,
    /// The Pod was deleted with a grace period of 0.
    ForceDeleted,
    /// The node went away.
    NodeLost,
    /// There is no evidence of the cause.
    Unknown,
}

impl KillReason {
    /// Whether a hook is the cause, so that the kill counts in `hookTotals.kills`.
    pub fn is_because_of_a_hook(self) -> bool {
        matches!(
            self,
            Self::PostStartHookFailed
                | Self::PostStartHookTimedOut
                | Self::PreStopHookFailed
                | Self::PreStopHookTimedOut
                | Self::GracePeriodExceededInPreStop
        )
    }
}
