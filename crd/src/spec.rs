//! What users write: a Deployment's spec, plus `hooks`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::HookKind;
use crate::decode;
use crate::schema;
use crate::status::HookedWorkloadStatus;

/// A Deployment that tells the truth about its container lifecycle hooks.
///
/// Every field but `hooks` means what it means in an `apps/v1` Deployment.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "hooked.dev",
    version = "v1alpha1",
    kind = "HookedWorkload",
    plural = "hookedworkloads",
    shortname = "hw",
    category = "all",
    namespaced,
    status = "HookedWorkloadStatus",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    derive = "PartialEq",
    doc = "HookedWorkload is a Deployment that tells the truth about its container lifecycle hooks: every postStart and preStop run with its outcome and duration, and every container killed because of one."
)]
#[serde(rename_all = "camelCase")]
pub struct HookedWorkloadSpec {
    /// How many Pods are wanted. 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 1))]
    pub replicas: Option<i32>,
    /// Which Pods belong to this workload. Must match the labels of the template, and cannot be changed. Required,
    /// unless `workloadRef` names a workload.
    #[serde(default, deserialize_with = "decode::null_as_absent", skip_serializing_if = "is_absent")]
    #[schemars(schema_with = "schema::selector")]
    pub selector: LabelSelector,
    /// The Pods to create. Hooks are written where Kubernetes puts them: `spec.containers[].lifecycle`. Required,
    /// unless `workloadRef` names a workload.
    #[serde(default, skip_serializing_if = "PodTemplate::is_absent")]
    #[schemars(schema_with = "schema::pod_template")]
    pub template: PodTemplate,
    /// A workload of others, in the same namespace, whose Pods are watched: their hooks and kills are counted, and
    /// nothing of the Pods or of the workload is changed but for one annotation of each Pod. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<Referent>,
    /// How Pods of an old revision are replaced by those of a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Seconds for which a new Pod must be ready before it counts as available. 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ready_seconds: Option<i32>,
    /// How many old revisions are kept to roll back to. 10 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// While true, a changed template is not rolled out; the workload is still scaled, and Pods that are gone are
    /// replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Seconds a rollout may go on without progress before the condition Progressing turns False. 600 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// How lifecycle hooks are measured, limited and reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HooksSpec>,
}

/// A native `PodTemplateSpec`, kept as written.
///
/// It is JSON on purpose: what the API server accepts must reach the Pod unchanged, also fields newer than the types
/// this program was built with and quantities written as numbers (`cpu: 0.5`), which typed decoding refuses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodTemplate(pub serde_json::Value);

impl PodTemplate {
    fn is_absent(&self) -> bool {
        self.0.is_null()
    }
}

fn is_absent(selector: &LabelSelector) -> bool {
    *selector == LabelSelector::default()
}

/// A workload of others whose Pods are watched: a Deployment, a StatefulSet, a DaemonSet, a ReplicaSet, a Job, or
/// any other kind to which a chain of controllers leads from the Pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Referent {
    /// The group and version of its kind, such as `apps/v1`.
    #[schemars(length(min = 1, max = 317))]
    pub api_version: String,
    /// Its kind, such as `Deployment`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How Pods of an old revision are replaced by those of a new one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// `RollingUpdate` (the default) replaces Pods step by step; `Recreate` removes all old Pods before it creates new
    /// ones.
    #[schemars(with = "String")]
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<StrategyType>,
    /// Limits of a rolling update; only with type `RollingUpdate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdate>,
}

/// How the Pods of an old revision make room for those of a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StrategyType {
    /// Replace Pods step by step within `maxSurge` and `maxUnavailable`.
    ///
    /// Empty text means the same, as in a Deployment.
    #[default]
    #[serde(alias = "")]
    RollingUpdate,
    /// Remove all old Pods before new ones are created.
    Recreate,
}

/// Limits of a rolling update.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdate {
    /// How many Pods may exist above `replicas`: a number, or a percentage rounded up. 25% if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::int_or_percent")]
    pub max_surge: Option<IntOrString>,
    /// How many Pods may be unavailable: a number, or a percentage rounded down. 25% if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::int_or_percent")]
    pub max_unavailable: Option<IntOrString>,
}

/// How lifecycle hooks are measured, limited and reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HooksSpec {
    /// How hook runs are measured. `Runner` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Measurement>,
    /// Whether a Pod waits until its hook runs are counted. `Durable` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// How many hook runs are kept in `status.recentRuns`, from 0 to 50. 10 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 50))]
    pub history_limit: Option<i32>,
    /// Timeouts, retries and failure handling of exec hooks under the Runner; the first policy that matches applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub policies: Option<Vec<HookPolicy>>,
    /// Stops a rollout whose hooks fail. Off if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_gate: Option<RolloutGate>,
}

/// Stops a rollout whose hooks fail. Failed and timed-out runs and kills because of hooks are counted in Pods of the
/// revision that is rolled out, until the rollout is complete; a failed postStart and its kill are one, and a failure
/// that a policy ignores counts too. A closed gate opens when the template or the gate changes, or while the annotation
/// `hooked.dev/open-gate` names the revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutGate {
    /// How many failures are borne: one more closes the gate. 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_failures: Option<i32>,
    /// What follows when the gate is closed. `Pause` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<GateAction>,
}

/// What follows when hooks of a rollout fail too often. `Pause` (the default): no further step is taken; Pods of the
/// revision before serve and are replaced. `Rollback`: the operator goes back to `status.currentRevision` and leaves
/// the spec as it is; without one it pauses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GateAction {
    /// No further step is taken.
    #[default]
    Pause,
    /// The Pods are rolled back to the revision that was last rolled out completely.
    Rollback,
}

/// How hook runs are measured. `Runner` (the default): exec hooks run under the hook-runner and are measured exactly.
/// `Observe`: the Pod's spec is left as written, and runs are inferred from Pod status and Events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Measurement {
    /// Exec hooks run under the hook-runner.
    #[default]
    Runner,
    /// The Pod's spec is left as written; runs are inferred.
    Observe,
}

/// Whether a Pod waits until its hook runs are counted. `Durable` (the default): a finalizer keeps it until then.
/// `BestEffort`: Pods have no finalizer and vanish as those of a Deployment do; some runs end Unknown. The workload
/// itself has a finalizer either way, so that its last runs are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Evidence {
    /// A Pod finalizer keeps the evidence until it is counted.
    #[default]
    Durable,
    /// Pods have no finalizer; the workload itself has one.
    BestEffort,
}

/// How one kind of hook is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookPolicy {
    /// The container that this policy is for; every container if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub container: Option<String>,
    /// The hook that this policy is for; both if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HookKind")]
    pub hook: Option<HookKind>,
    /// Seconds that one attempt may take; then the hook's processes get SIGTERM, and SIGKILL a second later.
    /// No limit but the grace period if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout_seconds: Option<i32>,
    /// Further attempts after a failure, at most 10. 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10))]
    pub retries: Option<i32>,
    /// Seconds between attempts, at most 3600. 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3_600))]
    pub retry_delay_seconds: Option<i32>,
    /// What follows when the hook has failed. `Fail` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_policy: Option<FailurePolicy>,
    /// How many of the last bytes of the hook's output are kept with the run, at most 1024.
    /// 0 (the default) keeps none, since output may hold secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_024))]
    pub output_bytes: Option<i32>,
}

/// What follows when the hook has failed. `Fail` (the default): as Kubernetes does, a failed postStart kills its
/// container, a failed preStop is reported and the stop goes on. `Ignore`: the failure is recorded, and the hook
/// reports success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FailurePolicy {
    /// As Kubernetes does: a failed postStart kills its container; a failed preStop is reported and the stop goes on.
    #[default]
    Fail,
    /// The failure is recorded and the hook reports success to the kubelet.
    Ignore,
}
