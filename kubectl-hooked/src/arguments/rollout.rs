//! Flags of the commands that change what is rolled out, or show what was.

use clap::{Args, ValueEnum};

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
    /// Show what would change, and change nothing: client sends nothing, server has the API server check it too.
    #[arg(long, value_enum, default_value_t = DryRun::None, num_args = 0..=1, require_equals = true,
          default_missing_value = "client")]
    pub(crate) dry_run: DryRun,
    /// Print the changed HookedWorkload.
    #[arg(short, long, value_enum)]
    pub(crate) output: Option<Format>,
}

/// Who tries a change that is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// The change is made.
    None,
    /// This program: nothing is sent.
    Client,
    /// The API server: it checks the change as if it were to make it.
    Server,
}

impl DryRun {
    /// What was done, in kubectl's words: where it was only tried that is said too.
    pub(crate) fn said(self, done: &str) -> String {
        match self {
            Self::None => done.to_owned(),
            Self::Client => format!("{done} (dry run)"),
            Self::Server => format!("{done} (server dry run)"),
        }
    }
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
