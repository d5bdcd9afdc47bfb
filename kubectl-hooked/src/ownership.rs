//! What changes hands: `adopt` and `release` let go of Pods without stopping them, each step by the rights of who asks.
//!
//! Every step can be taken again. A command that has died, or was stopped, is run again, looks what is done, and goes
//! on.

pub(crate) mod gitops;
mod kinds;
mod objects;
pub(crate) mod scalers;

pub(crate) use kinds::{DEPLOYMENT, Kind, POD, REPLICA_SET, REVISION, WORKLOAD};
pub(crate) use objects::{Mode, Objects, StepError, condition, hash_of, is_held, owner_of, selector};
