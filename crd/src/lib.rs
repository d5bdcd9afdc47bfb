//! The HookedWorkload API, `hooked.dev/v1alpha1`: what users write (`spec`) and what they read (`status`).
//!
//! This crate depends on no client: tools that only speak about HookedWorkloads need nothing else.

mod duration;
mod schema;
mod spec;
mod status;

pub use duration::GoDuration;
pub use schema::{Error as SchemaError, custom_resource_definition, custom_resource_definition_yaml};
pub use spec::{
    Evidence, FailurePolicy, HookPolicy, HookedWorkload, HookedWorkloadSpec, HooksSpec, Measurement,
    PodTemplate, RollingUpdate, Strategy, StrategyType,
};
pub use status::{
    DurationSummary, GraceUse, HandlerKind, HookKind, HookRunStatus, HookStatus, HookTotals,
    HookedWorkloadStatus, KillReason, KillStatus, Outcome, Source,
};
