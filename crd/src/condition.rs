//! Condition types of a HookedWorkload.

/// The rollout is complete and its Pods are available; hooks do not affect it.
pub const READY: &str = "Ready";
/// At least the Pods that must not be missing are available.
pub const AVAILABLE: &str = "Available";
/// The rollout goes on or is complete.
pub const PROGRESSING: &str = "Progressing";
/// The last run of every hook ended well, as far as is known.
pub const HOOKS_HEALTHY: &str = "HooksHealthy";
/// All that `spec.hooks` asks for is in force; hooks that are observed though the runner was asked for make it False.
pub const MEASURED: &str = "Measured";
/// kstatus: the operator is at work on the object.
pub const RECONCILING: &str = "Reconciling";
/// kstatus: the operator cannot go on unless the object is changed.
pub const STALLED: &str = "Stalled";
/// Pods cannot be created, deleted or changed; absent while they can.
pub const REPLICA_FAILURE: &str = "ReplicaFailure";
/// All of them, in the order in which the operator writes them.
pub const ALL: [&str; 8] =
    [READY, AVAILABLE, PROGRESSING, HOOKS_HEALTHY, MEASURED, RECONCILING, STALLED, REPLICA_FAILURE];
