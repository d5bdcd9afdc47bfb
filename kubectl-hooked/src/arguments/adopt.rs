//! Flags of `adopt`.

use std::time::Duration;

use clap::Args;

use super::duration::duration;

/// Flags of `adopt`.
#[derive(Args, Debug)]
pub(crate) struct AdoptOptions {
    /// The Deployment, as deployment/NAME.
    #[arg(value_name = "DEPLOYMENT")]
    pub(crate) target: String,
    /// Have the API server try every step and say what would be done; change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on though Argo CD, Flux or Helm owns the Deployment and may make it again.
    #[arg(long)]
    pub(crate) force: bool,
    /// How long each step may take, such as 60s or 5m. What takes longer is gone on with by the same command.
    #[arg(long, value_parser = duration, default_value = "5m")]
    pub(crate) timeout: Duration,
}
