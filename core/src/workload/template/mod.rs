//! The Pods that are asked for: the template, the hook-runner in it, and the Pod's identity.

mod channel;
mod conflicts;
mod delivery;
mod evict;
mod hooked;
mod image_volumes;
mod inject;
mod installer;
mod json;
mod landing;
mod manifest;
mod name;
mod node;
mod supply;
mod wrap;

pub use conflicts::InjectError;
pub use delivery::Delivery;
pub(crate) use evict::give_up;
pub(crate) use hooked::has_exec_hooks;
pub use image_volumes::mounts_images;
pub(crate) use inject::count_containers;
pub use inject::{Runner, inject, inject_into};
pub use manifest::{Identity, Owner, manifest};
pub use name::pod_name;
pub use node::{NodeKind, Taint};
pub use supply::{Offer, Supply};
pub(crate) use wrap::{policy, without_log};
