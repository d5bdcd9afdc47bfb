//! The HookedWorkload API, `hooked.dev/v1alpha1`: what users write (`spec`) and what they read (`status`).
//!
//! This crate depends on no client: tools that only speak about HookedWorkloads need nothing else.

pub mod condition;
mod decode;
mod duration;
mod reason;
mod schema;
mod spec;
mod status;

pub use duration::GoDuration;
/// The hook that the runner records is the hook that the API names.
pub use hooked_protocol::Hook as HookKind;
pub use reason::{Given, Reason};
pub use schema::{Error as SchemaError, custom_resource_definition, custom_resource_definition_yaml};
pub use spec::{
    Evidence, FailurePolicy, GateAction, HookPolicy, HookedWorkload, HookedWorkloadSpec, HooksSpec,
    Measurement, PodTemplate, Referent, RollingUpdate, RolloutGate, Strategy, StrategyType,
};
pub use status::{
    DurationSummary, GraceUse, HandlerKind, HookRunStatus, HookStatus, HookTotals, HookedWorkloadStatus,
    KillReason, KillStatus, Outcome, RevisionStatus, Source,
};
