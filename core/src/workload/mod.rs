//! Which Pods there should be: what a workload asks for, which Pods it has, and what is to be done.

pub mod desired;
mod fact;
pub mod plan;
pub mod revision;
pub mod snapshot;
pub mod tally;
pub mod template;

pub use fact::{Life, PodFact};
