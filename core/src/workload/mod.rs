//! Which Pods there should be: what a workload asks for, which Pods it has, and what follows.

pub mod asked;
pub mod desired;
pub mod fill;
pub mod gate;
pub mod referent;
pub mod replicas;
pub mod resize;
pub mod revision;
pub mod rollout;
pub mod selector;
pub mod target;
pub mod template;
