//! What watches show, by the workload that it is about: the only cache of Pods there is.
//!
//! Whoever watches decodes objects into [`SlimPod`] and [`SlimEvent`], shows them to the [`Index`], and has the
//! workloads reconciled that it names.

pub(crate) mod chains;
mod claim;
mod early;
mod event;
mod index;
mod orphans;
mod pod;
mod revisions;
mod show;

pub use event::SlimEvent;
pub use index::{Index, NamedOwner, Reported, ShownWatched, Stray, WorkloadRef};
pub(crate) use pod::template_hash;
pub use pod::{Controller, SlimPod};
pub use revisions::ListedRevisions;
pub use show::Shown;
