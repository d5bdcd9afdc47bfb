//! `kubectl hooked report`: what a maintainer needs to help, without secrets, in one file.

mod bundle;
mod collect;
mod redact;

use thiserror::Error;

use crate::arguments::ReportOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, write};

use bundle::{write_archive, write_directory};

/// Why there is no report.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    /// The file is there already, or cannot be written.
    #[error("cannot write {path}: {source}; --file and --output name another place")]
    Write {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is written, and that was not said.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command. What cannot be read is noted in the manifest and keeps nothing else out.
pub(crate) async fn run(connection: &Connection, options: &ReportOptions) -> Result<End, ReportError> {
    let files = collect::collect(connection, options).await.files(options.include_output);
    let (path, written) = match &options.output {
        Some(directory) => (directory, write_directory(&files, directory)),
        None => (&options.file, write_archive(&files, &options.file)),
    };
    let path = path.display().to_string();
    written.map_err(|source| ReportError::Write { path: path.clone(), source })?;
    write(&format!(
        "wrote {path}: MANIFEST in it says what was taken; look through it before you send it\n"
    ))?;
    Ok(End::Done)
}
