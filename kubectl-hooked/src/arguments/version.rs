//! Flags of `version`.

use clap::Args;

use super::format::Format;

/// Flags of `version`.
#[derive(Args, Debug)]
pub(crate) struct VersionOptions {
    /// Only that of this program; no cluster is asked.
    #[arg(long)]
    pub(crate) client: bool,
    /// The namespace that the operator is in.
    #[arg(long, value_name = "NAMESPACE", default_value = "hooked-system")]
    pub(crate) operator_namespace: String,
    /// Print for programs; people read the default.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}
