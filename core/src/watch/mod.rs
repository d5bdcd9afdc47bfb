//! What watches show, by the workload that it is about: the only cache of Pods there is.
//!
//! Whoever watches decodes objects into [`SlimPod`] and [`SlimEvent`], shows them to the [`Index`], and has the
//! workloads reconciled that it names.

mod annotations;
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
pub use pod::{Controller, SlimPod};
pub(crate) use pod::{is_held_of_others, template_hash};
pub use revisions::ListedRevisions;
pub use show::Shown;
