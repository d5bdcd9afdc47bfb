//! Why there is no status to show.

use thiserror::Error;

use crate::print::PrintError;
use crate::request::RequestError;

/// Why there is no status to show.
#[derive(Debug, Error)]
pub(crate) enum StatusError {
    /// The API server has not given what was asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
    /// The program cannot listen for Ctrl-C.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signal(#[from] std::io::Error),
}
