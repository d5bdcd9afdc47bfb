//! Flags of `observe`.

use clap::Args;

use super::format::Format;

/// Flags of `observe`.
#[derive(Args, Debug)]
pub(crate) struct ObserveOptions {
    /// The workload, such as deployment/web, statefulset/db, or rollouts.argoproj.io/web for any other kind.
    #[arg(value_name = "KIND/NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) target: Option<String>,
    /// Watch every Deployment, StatefulSet, DaemonSet and CronJob of the namespace, and every ReplicaSet and Job that
    /// nothing controls; stop to watch those that are gone, where this command had them watched.
    #[arg(long)]
    pub(crate) all: bool,
    /// The name of the HookedWorkload; that of the workload if absent.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub(crate) name: Option<String>,
    /// Have the API server try everything, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the HookedWorkloads, for a file or for Git, and change nothing.
    #[arg(short, long, value_enum, conflicts_with = "dry_run")]
    pub(crate) output: Option<Format>,
}
