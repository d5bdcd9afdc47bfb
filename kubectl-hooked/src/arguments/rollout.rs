//! Flags of the commands that change what is rolled out, or show what was.

use clap::Args;

use super::format::{Format, TableFormat};

/// Flags of `pause`, `resume` and `restart`.
#[derive(Args, Debug)]
pub(crate) struct ChangeOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// Print the changed HookedWorkload.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// Flags of `undo`.
#[derive(Args, Debug)]
pub(crate) struct UndoOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// The revision to go back to: its number or its name, as history lists them. Without it, or with 0, the one
    /// before.
    #[arg(long, value_name = "REVISION", default_value = "0", hide_default_value = true)]
    pub(crate) to_revision: String,
    /// Print the changed HookedWorkload.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// Flags of `history`.
#[derive(Args, Debug)]
pub(crate) struct HistoryOptions {
    /// The HookedWorkload.
    pub(crate) name: String,
    /// Show the template of this revision, by its number or its name.
    #[arg(long)]
    pub(crate) revision: Option<String>,
    /// Print for programs, or a wider table.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<TableFormat>,
}
