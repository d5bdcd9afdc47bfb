//! Flags of `release`.

use std::time::Duration;

use clap::{ArgGroup, Args};

use super::duration::duration;

/// Flags of `release`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true).args(["name", "all", "finalizers_only"]))]
#[allow(clippy::struct_excessive_bools, reason = "flags that are independent of each other")]
pub(crate) struct ReleaseOptions {
    /// The HookedWorkload.
    pub(crate) name: Option<String>,
    /// All HookedWorkloads of the namespace, a few at a time. Those that hold Pods of others are deleted.
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all or --finalizers-only: those of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub(crate) all_namespaces: bool,
    /// Where the operator is gone for good: take its finalizer off Pods and HookedWorkloads, and change nothing else.
    #[arg(long)]
    pub(crate) finalizers_only: bool,
    /// Have the API server try the first steps and say what would be done; change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on though Argo CD, Flux or Helm owns the HookedWorkload, or though an operator may still be at work.
    #[arg(long)]
    pub(crate) force: bool,
    /// How long each step may take, such as 60s or 5m. What takes longer is gone on with by the same command.
    #[arg(long, value_parser = duration, default_value = "5m")]
    pub(crate) timeout: Duration,
    /// The namespace that the operator was in.
    #[arg(long, value_name = "NAMESPACE", default_value = "hooked-system", requires = "finalizers_only")]
    pub(crate) operator_namespace: String,
}
