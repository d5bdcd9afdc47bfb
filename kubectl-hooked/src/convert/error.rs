//! Why a manifest was not converted.

use std::io;

use thiserror::Error;

use crate::print::PrintError;

/// Why a manifest was not converted.
#[derive(Debug, Error)]
pub(crate) enum ConvertError {
    /// There is no such file.
    #[error("cannot read {file}: {source}; -f names a manifest, -f - reads standard input")]
    Read {
        /// What `-f` names.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// It is no YAML.
    #[error("{file} is no YAML: {source}")]
    Syntax {
        /// What `-f` names.
        file: String,
        /// Where and why.
        source: granit_parser::ScanError,
    },
    /// A document is nothing that can be applied.
    #[error("{place} {problem}")]
    Object {
        /// Which document, and which item of a list.
        place: String,
        /// What is wrong, and the fix.
        problem: &'static str,
    },
    /// The text would not mean the same any more.
    #[error(
        "what is dropped from {file} holds an anchor that the rest refers to ({source}): write the value out where it is used"
    )]
    Anchor {
        /// What `-f` names.
        file: String,
        /// Where the anchor is missed.
        source: granit_parser::ScanError,
    },
    /// What was converted cannot be read as values.
    #[error("the converted manifest cannot be read: {0}; without -o it is printed as it is")]
    Values(#[from] serde_saphyr::Error),
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}
