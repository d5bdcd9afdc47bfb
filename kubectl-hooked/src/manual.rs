//! Manual pages, for who packs this program: `kubectl-hooked __man DIRECTORY` writes them.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::arguments::Cli;

/// The word that asks for them.
pub(crate) const COMMAND: &str = "__man";

/// Writes a page for each command into a directory.
pub(crate) fn write(words: &[String]) -> ExitCode {
    let [directory] = words else {
        eprintln!("error: {COMMAND} needs a directory");
        return ExitCode::from(2);
    };
    match clap_mangen::generate_to(Cli::command().name("kubectl-hooked"), directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write manual pages into {directory}: {error}");
            ExitCode::FAILURE
        }
    }
}
