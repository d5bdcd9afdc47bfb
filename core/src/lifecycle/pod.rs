//! What the API server shows of a Pod: just the fields that decisions read.
//!
//! The controller decodes Pods into these types; a whole Pod costs 2.6 times the decoding and up to 14 KiB of
//! memory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::endpoint::LiveEndpoint;

/// A Pod as the API server shows it, with what stands on it read.
#[derive(Clone, Debug)]
pub struct ObservedPod {
    /// The Pod's name.
    pub name: String,
    /// The Pod's UID.
    pub uid: String,
    /// The version of it that was shown.
    pub version: String,
    /// The UID of the workload that controls it.
    pub owner_uid: String,
    /// The hash of the template it was made from.
    pub revision: String,
    /// Its number within its workload; 0 if it has none.
    pub number: u64,
    /// Whether its name is the one that an operator makes of that number.
    pub is_named: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How often its spec was set, and its deletion asked for; none from API servers that do not count.
    pub generation: Option<i64>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What its deletion is said to cost; 0 where nothing is said.
    pub deletion_cost: i32,
    /// When its deletion takes effect: the time of the request plus the grace period.
    pub deletion_timestamp: Option<Timestamp>,
    /// Seconds of grace that the deletion gave.
    pub deletion_grace_seconds: Option<i64>,
    /// Whether our finalizer is on it.
    pub has_finalizer: bool,
    /// Whether a hook-runner in it is one that an operator has put in: not so in Pods of others that bring their own.
    pub has_our_runner: bool,
    /// Where its runners reach the operator, if they do.
    pub live: Option<LiveEndpoint>,
    /// What it was asked to be.
    pub spec: PodSpec,
    /// What the kubelet reports of it.
    pub status: PodStatus,
}

impl ObservedPod {
    /// The statuses of app containers and sidecars.
    pub fn container_statuses(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.status.init_container_statuses.iter().chain(&self.status.container_statuses)
    }
}

/// The part of a Pod's spec that decisions read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node it is bound to.
    pub node_name: Option<String>,
    /// How its containers are isolated; none for the node's own runtime.
    pub runtime_class_name: Option<String>,
    /// Seconds of grace of an ordinary deletion.
    pub termination_grace_period_seconds: Option<i64>,
    /// App containers.
    pub containers: Vec<Container>,
    /// Init containers; those with restartPolicy Always are sidecars and may have hooks.
    pub init_containers: Vec<Container>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
}

/// The part of a volume that decisions read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// The volume's name.
    pub name: String,
    /// The image whose content it is, if it is such a one.
    pub image: Option<VolumeImage>,
}

/// An image that is a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct VolumeImage {
    /// Which image.
    pub reference: String,
}

impl PodSpec {
    /// Seconds of grace of an ordinary deletion: 30 where nothing is written, as the API server defaults it.
    pub fn grace(&self) -> i64 {
        self.termination_grace_period_seconds.unwrap_or(30)
    }
}

/// The part of a container's spec that decisions read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// The container's name.
    pub name: String,
    /// Its image; empty if it names none.
    pub image: String,
    /// `Always` marks a sidecar.
    pub restart_policy: Option<String>,
    /// Its hooks.
    pub lifecycle: Option<Lifecycle>,
    /// Present if a failing probe may kill it.
    pub liveness_probe: Option<Probe>,
    /// Present if a failing probe may kill it.
    pub startup_probe: Option<Probe>,
}

/// The part of a probe that decisions read.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// Seconds of grace of a stop by the probe; those of the Pod where it says nothing.
    pub termination_grace_period_seconds: Option<i64>,
}

impl Container {
    /// Whether an init container is a sidecar.
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

/// A container's hooks as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// Runs beside the entrypoint.
    pub post_start: Option<Handler>,
    /// Runs before the stop signal.
    pub pre_stop: Option<Handler>,
}

/// A hook's handler as written: exactly one of these is present.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handler {
    /// Runs a command.
    pub exec: Option<ExecAction>,
    /// Asks a URL.
    pub http_get: Option<IgnoredAny>,
    /// Never works.
    pub tcp_socket: Option<IgnoredAny>,
    /// Waits.
    pub sleep: Option<IgnoredAny>,
}

/// A command to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub struct ExecAction {
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// Whatever is odd about a command, the rest of the Pod is read: the API server takes a null in a list of
/// words as an empty word, and refuses by itself what it does not take.
impl From<Value> for ExecAction {
    fn from(exec: Value) -> Self {
        let words = exec["command"].as_array().into_iter().flatten();
        Self { command: words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect() }
    }
}

/// The part of a Pod's status that decisions read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// Pending, Running, Succeeded, Failed or Unknown.
    pub phase: Option<String>,
    /// Why the Pod as a whole is in its phase, such as `Evicted`.
    pub reason: Option<String>,
    /// `Ready`, `ContainersReady` and others.
    pub conditions: Vec<PodCondition>,
    /// App containers.
    pub container_statuses: Vec<ContainerStatus>,
    /// Init containers and sidecars.
    pub init_container_statuses: Vec<ContainerStatus>,
}

impl PodStatus {
    /// The condition, if it holds.
    pub fn holding(&self, condition: &str) -> Option<&PodCondition> {
        self.conditions.iter().find(|known| known.type_ == condition && known.status == "True")
    }

    /// Since when the condition holds, if it does.
    pub fn true_since(&self, condition: &str) -> Option<Timestamp> {
        self.holding(condition)?.last_transition_time
    }
}

/// A condition of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in words.
    pub message: String,
    /// When the status last changed; whole seconds.
    pub last_transition_time: Option<Timestamp>,
}

/// What the kubelet reports of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// The container's name.
    pub name: String,
    /// The runtime's name for its present instance; empty if there is none.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// How often it was restarted.
    #[serde(deserialize_with = "count")]
    pub restart_count: u32,
    /// Its present instance.
    pub state: ContainerState,
    /// The instance before.
    pub last_state: ContainerState,
}

/// The API server takes a count below zero from whoever may write a Pod's status. One such Pod must not keep a list of
/// 100,000 from being read.
fn count<'de, D: Deserializer<'de>>(count: D) -> Result<u32, D::Error> {
    i64::deserialize(count).map(|count| u32::try_from(count).unwrap_or(0))
}

/// At most one of the three is present.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// The instance waits to be started, or started again.
    pub waiting: Option<Waiting>,
    /// The instance runs.
    pub running: Option<Running>,
    /// The instance has ended.
    pub terminated: Option<Terminated>,
}

/// [`ContainerState`] as the choice it is.
#[derive(Clone, Copy, Debug)]
pub enum ContainerStateKind<'a> {
    /// The instance waits to be started, or started again.
    Waiting(&'a Waiting),
    /// The instance runs.
    Running(&'a Running),
    /// The instance has ended.
    Terminated(&'a Terminated),
    /// The kubelet has reported nothing yet.
    Unreported,
}

impl ContainerState {
    /// Which of the three it is.
    pub fn kind(&self) -> ContainerStateKind<'_> {
        match (&self.terminated, &self.running, &self.waiting) {
            (Some(terminated), _, _) => ContainerStateKind::Terminated(terminated),
            (_, Some(running), _) => ContainerStateKind::Running(running),
            (_, _, Some(waiting)) => ContainerStateKind::Waiting(waiting),
            (None, None, None) => ContainerStateKind::Unreported,
        }
    }
}

/// A waiting instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// Such as `PostStartHookError` or `CrashLoopBackOff`.
    pub reason: String,
    /// In words.
    pub message: String,
}

/// A running instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// When it was started; whole seconds.
    pub started_at: Option<Timestamp>,
}

/// An ended instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// The program's exit status, 128 + n after signal n.
    pub exit_code: i32,
    /// Such as `Completed`, `Error` or `OOMKilled`.
    pub reason: String,
    /// The runtime's name for the instance; empty if there was none.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// The last bytes of the termination log, which anyone in the container may have written.
    pub message: String,
    /// When it was started; whole seconds.
    pub started_at: Option<Timestamp>,
    /// When it ended; whole seconds.
    pub finished_at: Option<Timestamp>,
}

#[cfg(test)]
impl ObservedPod {
    /// A Pod of the workload with the UID `w`, of which no container is known, for tests.
    pub(crate) fn numbered(uid: &str, number: u64) -> Self {
        Self {
            name: format!("web-{number}"),
            uid: uid.to_owned(),
            version: "1".to_owned(),
            owner_uid: "w".to_owned(),
            is_named: true,
            labels: std::collections::BTreeMap::new(),
            revision: "rev".to_owned(),
            number,
            generation: Some(1),
            created: None,
            deletion_cost: 0,
            deletion_timestamp: None,
            deletion_grace_seconds: None,
            has_finalizer: true,
            has_our_runner: true,
            live: None,
            spec: PodSpec::default(),
            status: PodStatus::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_odd_command_is_read_as_the_api_server_reads_it() {
        let command = |exec: Value| ExecAction::from(exec).command;
        assert_eq!(command(json!({"command": ["sh", null]})), ["sh", ""]);
        assert_eq!(command(json!({"command": {"sh": 1}})), [""; 0]);
        assert_eq!(command(json!("sh")), [""; 0]);
    }

    #[test]
    fn a_restart_count_below_zero_keeps_no_pod_from_being_read() {
        let count = |count: i64| {
            let status: ContainerStatus = serde_json::from_value(json!({"restartCount": count})).unwrap();
            status.restart_count
        };
        assert_eq!((count(-1), count(0), count(7)), (0, 0, 7));
    }
}
