//! Flags of `report`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `report`.
#[derive(Args, Debug)]
pub(crate) struct ReportOptions {
    /// Only this HookedWorkload; all of the namespace if absent.
    pub(crate) name: Option<String>,
    /// Those of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub(crate) all_namespaces: bool,
    /// The namespace that the operator is in.
    #[arg(long, value_name = "NAMESPACE", default_value = "hooked-system")]
    pub(crate) operator_namespace: String,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE", default_value = "hooked-report.tar.gz")]
    pub(crate) file: PathBuf,
    /// Write files into this directory instead; it must not be there yet.
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub(crate) output: Option<PathBuf>,
    /// Take messages and what hooks have printed too. They may hold secrets.
    #[arg(long)]
    pub(crate) include_output: bool,
}
