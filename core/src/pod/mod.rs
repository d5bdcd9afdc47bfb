//! Pods: what the API server says about one, what we remember of it, and what we ask for when we make one.

mod evict;
mod fact;
mod inject;
mod live;
mod manifest;
mod name;
mod report;
mod shape;

pub use fact::{Life, PodFact};
pub(crate) use inject::policy;
pub use inject::{Delivery, InjectError, RUNNER_PATH, Runner, inject};
pub use live::LiveEndpoint;
pub use manifest::{Owner, manifest};
pub use name::pod_name;
pub use report::{
    Container, ContainerState, ContainerStateKind, ContainerStatus, MAX_ORDINAL, PodCondition, PodReport,
    PodSpec, PodStatus, ReadPodError,
};
pub use shape::{ContainerShape, Hook, HookShape, PodShape};
