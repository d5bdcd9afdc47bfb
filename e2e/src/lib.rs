//! Scenarios on a real cluster: each in a namespace of its own, told by independent witnesses whether the operator
//! speaks the truth.
//!
//! The witnesses are lines that hooks append to files of the node, a recorded watch of Pods, and what kubectl shows.
#![allow(clippy::print_stderr, reason = "a failed scenario shows on standard error what it has left")]

mod agreement;
mod client;
mod cluster;
mod dashboard;
mod dump;
mod history;
mod host;
mod injector;
mod live;
mod metrics;
mod moving;
mod nodes;
mod operator;
mod plugin;
mod pool;
mod process;
mod prometheus;
mod scenario;
mod space;
mod wait;
mod workload;

pub use agreement::agree;
pub use client::Client;
pub use cluster::{Cluster, kubectl_offline};
pub use dashboard::{Dashboard, Query};
pub use history::{History, Sight};
pub use host::HostDirectory;
pub use injector::{has_runner, is_held};
pub use live::{Stranger, forged, token};
pub use metrics::{Metrics, exposition};
pub use moving::{Unmoved, deploy, is_released, replica_sets, until_pods};
pub use nodes::{Nodes, with_nodes};
pub use operator::Operator;
pub use plugin::{Said, Terminal};
pub use process::{Frozen, Usage};
pub use prometheus::{Prometheus, Series};
pub use scenario::{Security, in_namespace, with_operator};
pub use space::{Space, condition, hook, kills};
pub use wait::{DEADLINE, wait_for, wait_within};
pub use workload::{Container, Workload, sh};
