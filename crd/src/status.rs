//! What users read: Pods, hook runs, kills and conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::HookKind;
use crate::duration::GoDuration;
use crate::schema;

/// The state of a HookedWorkload as last committed by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookedWorkloadStatus {
    /// The generation of the spec that this status speaks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Owned Pods that are neither terminating nor ended.
    pub replicas: i32,
    /// Those of them that are of the template that is asked for.
    pub updated_replicas: i32,
    /// Those of them that are ready.
    pub ready_replicas: i32,
    /// Those of them that have been ready for at least `minReadySeconds`.
    pub available_replicas: i32,
    /// Pods still missing for full availability.
    pub unavailable_replicas: i32,
    /// Owned Pods that are terminating.
    pub terminating_replicas: i32,
    /// The label selector in its serialized form, as autoscalers read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The revision that was last rolled out completely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,
    /// The revision that Pods are being updated to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_revision: Option<String>,
    /// How often two different templates have had the same revision hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Ready, Available, Progressing, `HooksHealthy`; Reconciling and Stalled as kstatus has them.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// All hook runs so far by outcome, and all hook-induced kills.
    pub hook_totals: HookTotals,
    /// Hooks that run now.
    pub hooks_running: i64,
    /// The last settled hook run as `Hook/Outcome`, such as `PreStop/Failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_hook: Option<String>,
    /// Runs per container and hook.
    #[schemars(schema_with = "schema::hooks")]
    pub hooks: Vec<HookStatus>,
    /// Killed containers per reason.
    #[schemars(schema_with = "schema::kills")]
    pub kills: Vec<KillStatus>,
    /// How much of the grace period stops have used, per container: from 100 on the container is killed.
    #[schemars(schema_with = "schema::grace_used")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grace_used: Vec<GraceUse>,
    /// The last hook runs, newest first; failures outlive successes.
    pub recent_runs: Vec<HookRunStatus>,
    /// Internal: the operator's account book, versioned. Not an API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ledger")]
    pub ledger: Option<serde_json::Value>,
}

/// Hook runs by outcome, and hook-induced kills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookTotals {
    /// Runs that ended well.
    pub succeeded: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Runs cut off by their own timeout or by the end of the grace period.
    pub timed_out: i64,
    /// Runs stopped by the operator because the Pod was to go.
    pub cancelled: i64,
    /// Runs that are known not to have happened.
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
    /// Runs that ended well.
    pub succeeded: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Runs cut off by their own timeout or by the end of the grace period.
    pub timed_out: i64,
    /// Runs stopped by the operator because the Pod was to go.
    pub cancelled: i64,
    /// Runs that are known not to have happened.
    pub skipped: i64,
    /// Runs about whose outcome there is no evidence.
    pub unknown: i64,
    /// Containers killed because of this hook.
    pub kills: i64,
    /// Runs going on now.
    pub running: i64,
    /// How long runs took that were measured or bounded.
    #[serde(default)]
    pub duration: DurationSummary,
}

/// How long the runs of one hook took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DurationSummary {
    /// Runs whose duration is known.
    pub count: i64,
    /// Their sum.
    pub sum: GoDuration,
    /// The longest; absent until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<GoDuration>,
    /// The last; absent until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<GoDuration>,
}

/// How much of the grace period the stops of one container have used: the time from the deletion of its Pod to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraceUse {
    /// The container's name.
    pub container: String,
    /// Stops of which it is known.
    pub stops: i64,
    /// Per cent of the grace period in force that the last of them used.
    pub last_percent: i32,
    /// Per cent that the longest of them used.
    pub max_percent: i32,
}

/// Containers killed for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KillStatus {
    /// The first cause.
    pub reason: KillReason,
    /// How many containers.
    pub count: i64,
    /// When the last of them ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<MicroTime>,
    /// The last one's Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_pod: Option<String>,
    /// The last one's name.
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
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<MicroTime>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// Half the width of the interval that holds the true duration; 0s when measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_error: Option<GoDuration>,
    /// Who says so.
    pub source: Source,
    /// The hook's exit status, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How often the hook was tried in this run, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// Why, in words.
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
    /// It has not ended.
    Running,
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
    /// It was cut off by its own timeout or by the end of the grace period.
    TimedOut,
    /// It was stopped by the operator because the Pod was to go.
    Cancelled,
    /// It is known not to have run.
    Skipped,
    /// There is no evidence.
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

/// Who says how a hook run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Source {
    /// The hook-runner measured it.
    Runner,
    /// It was inferred from Pod status and Events.
    Kubelet,
}

/// Why a container was killed: the first cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum KillReason {
    /// Its postStart hook failed.
    PostStartHookFailed,
    /// Its postStart hook hit its timeout.
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
    /// Out of memory.
    #[serde(rename = "OOMKilled")]
    OomKilled,
    /// The kubelet's own eviction, under node pressure.
    Evicted,
    /// The Pod was deleted with a grace period of 0.
    ForceDeleted,
    /// The node went away.
    NodeLost,
    /// There is no evidence.
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
