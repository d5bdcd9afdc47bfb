//! A real Kubernetes cluster on one bare machine: etcd, the control plane, a kubelet with containerd, a bridge
//! network and kube-proxy, built from pinned Go modules and Debian packages, without any image registry.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use hooked_cluster::{Cluster, Progress};
//!
//! let cluster = Cluster::named("test")?;
//! cluster.up(&Progress::new(|line| eprintln!("{line}")))?;
//! cluster.kubectl().args(["get", "nodes"]).status()?;
//! # Ok(())
//! # }
//! ```

pub mod cache;
mod cgroup;
mod cluster;
mod components;
mod config;
mod control_plane;
mod endpoints;
mod exec;
mod image;
mod images;
mod kubeconfig;
mod layout;
mod lock;
pub mod monitoring;
mod mounts;
mod network;
mod packages;
mod pki;
mod process;
mod progress;
mod ready;
mod record;
pub mod release;
mod start;
mod stop;
mod target;
mod tools;
mod version;

pub use cluster::Cluster;
pub use control_plane::{ControlPlane, Running};
pub use image::{Image, Layer, write_archive};
pub use progress::Progress;
pub use target::Target;
pub use version::Kubernetes;

/// The SHA-256 of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};

    format!("{:x}", Sha256::digest(bytes))
}

/// A short name, of `length` digits, for what several parts say together. Each part's length goes in too, so
/// that moving a boundary between two of them changes the name.
fn digest(parts: &[&[u8]], length: usize) -> String {
    let framed: Vec<u8> = parts.iter().flat_map(|part| [&part.len().to_le_bytes(), *part].concat()).collect();
    sha256(&framed)[..length].to_owned()
}
