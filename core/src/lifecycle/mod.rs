//! What happened in one Pod, knowing of no workload: evidence in, hook runs and kills out.
//!
//! [`pod`] is a Pod as the API server shows it; [`kubelet`] reads the kubelet's words into [`evidence`]; [`rules`] are
//! the single conclusions, each named by what it concludes; [`live`] says to which instance of a container a record
//! belongs that came before its end; [`infer`] applies them in order, strongest source first, to whatever is not counted
//! yet.

mod endpoint;
pub mod evidence;
pub mod infer;
pub mod kubelet;
pub mod live;
mod per_hook;
mod pod;
pub mod rules;
mod run;
mod shape;

pub use endpoint::LiveEndpoint;
pub use per_hook::PerHook;
pub use pod::{
    Container, ContainerState, ContainerStateKind, ContainerStatus, MAX_ORDINAL, ObservedPod, PodCondition,
    PodSpec, PodStatus, ReadPodError,
};
pub use run::{Finding, Findings, HookRun, HookRunId, Interval, Kill, LateDuration, Slot};
pub use shape::{ContainerShape, Hook, HookShape, PodShape};
