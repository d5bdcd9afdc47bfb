//! The Pods that are asked for: the template, the hook-runner in it, and the Pod's identity.

mod channel;
mod conflicts;
mod delivery;
mod evict;
mod hooked;
mod image_volumes;
mod inject;
mod json;
mod manifest;
mod name;
mod wrap;

pub use conflicts::InjectError;
pub use delivery::Delivery;
pub(crate) use evict::give_up;
pub use image_volumes::mounts_images;
pub use inject::{Runner, inject};
pub use manifest::{Identity, Owner, manifest};
pub use name::pod_name;
pub(crate) use wrap::policy;
