//! What happened in one Pod, knowing of no workload: evidence in, hook runs and kills out.
//!
//! [`ObservedPod`] is a Pod as the API server shows it; [`kubelet`] reads the kubelet's words into evidence;
//! rules are the single conclusions, each named by what it concludes; [`infer`] applies them in order, the
//! strongest source first, to whatever is not counted yet. [`explain`] does all of that for people, who want
//! to know what is known now.

mod decode;
mod deletion_cost;
mod endpoint;
mod event;
pub(crate) mod evidence;
mod explain;
mod inability;
pub(crate) mod infer;
pub mod kubelet;
mod mark;
mod number;
mod per_hook;
mod pod;
mod pod_name;
mod proven;
mod record;
mod rules;
mod run;
mod runner;
mod shape;
mod story;
mod uid;

pub use decode::controlling_workload;
pub(crate) use decode::has_finalizer;
pub(crate) use deletion_cost::deletion_cost;
pub use endpoint::LiveEndpoint;
pub(crate) use event::ApiEvent;
pub use event::ObservedEvent;
pub use evidence::{Anew, End, KillingCause, PodEvidence, Stop};
pub use explain::explain;
pub use inability::Inability;
pub use infer::{Patience, infer};
pub use mark::{Mark, PodMarks};
pub use number::{MAX_ORDINAL, PodIdentity, ReadPodError, ordinal, read_watched_ordinal, watched_ordinal};
pub use per_hook::PerHook;
pub use pod::{
    Container, ContainerState, ContainerStateKind, ContainerStatus, ObservedPod, PodCondition, PodSpec,
    PodStatus, Probe,
};
pub use pod_name::PodName;
pub use proven::Proven;
pub use run::{Finding, Findings, HookRun, HookRunId, Interval, Kill, LateDuration, RECORDED, Slot};
pub use runner::RunnerSight;
pub use shape::{ContainerShape, Hook, HookShape, PodShape, ProbeShape};
pub use story::{ContainerKind, ContainerStory, Fact, Fate, InstanceStory, PodStory, Settled};
pub use uid::PodUid;
