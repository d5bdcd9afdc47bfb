//! Every decision of the operator, pure: it is given facts and the time, and returns values.
//!
//! Nothing here talks to a cluster, sleeps, or reads a clock (`Cargo.toml` and `clippy.toml` hold it), and nothing
//! depends on hash order or randomness: the same input gives the same output, so the code that ships is the code that
//! is simulated.
//!
//! [`lifecycle`] infers from what the API server shows of one Pod which hooks ran and what was killed; [`accounting`]
//! counts each of them once; [`workload`] decides how many Pods of which revision there are to be; [`status`] says what
//! users read; [`watch`] is what watches have shown; and [`pass`](pass::pass) is the order in which all that happens,
//! over a port that somebody else carries out. [`injector`] answers for Pods of others while they are created.

pub mod accounting;
pub mod admission;
pub mod backoff;
pub mod election;
pub mod injector;
mod interned;
pub mod lifecycle;
pub mod mutation;
pub mod names;
mod number_set;
pub mod pass;
mod short_hash;
mod small_map;
pub mod status;
pub mod watch;
pub mod workload;
