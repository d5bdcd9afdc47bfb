//! Every decision of the operator, pure: it is given facts and the time, and returns values.
//!
//! Nothing here talks to a cluster, sleeps, or reads a clock (`Cargo.toml` proves it), and nothing depends on hash
//! order or randomness: the same input gives the same output, so the code that ships is the code that is simulated.
//!
//! Data passes through once: [`pod`] reads what the API server says, [`hooks`] infers runs and kills from it,
//! [`ledger`] and [`account()`](account::account) count each of them once, [`plan`] decides which Pods to make, remove and let go, and [`status`] says
//! what users read.

pub mod accounting;
pub mod election;
pub mod lifecycle;
pub mod names;
pub mod status;
pub mod workload;
