//! The operator as it ships, its Lease, watches and client included, against the API server of the simulation: in one
//! process, without a cluster, with faults where a test wants them.
//!
//! What a pass decides and does is simulated far more thoroughly by `hooked-simulation` itself. Here it is the
//! controller's own part that is tried: what is sent over HTTP, what watches show, who leads, what is swept.

mod cluster;
mod fate;
mod manifests;
mod operator;
mod service;
mod tests;
