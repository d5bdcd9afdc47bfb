//! The Pods that are asked for: the template, the hook-runner in it, and the Pod's identity.

mod channel;
mod evict;
mod inject;
mod json;
mod manifest;
mod name;

pub(crate) use inject::policy;
pub use inject::{Delivery, InjectError, Runner, inject};
pub use manifest::{Identity, Owner, manifest};
pub use name::pod_name;
