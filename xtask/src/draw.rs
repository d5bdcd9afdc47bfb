//! A made-up operator and a Prometheus on this machine: what shows dashboards and alerts without a cluster.

pub(crate) mod server;
pub(crate) mod world;
