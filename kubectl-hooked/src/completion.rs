//! `kubectl hooked completion`: scripts for shells and for kubectl; and what kubectl's script asks for.

mod names;
mod wanted;

use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::aot;
use thiserror::Error;

use crate::arguments::{Cli, CompletionOptions, Shell};
use crate::end::End;
use crate::print::{PrintError, write, write_bytes};

use wanted::{Wanted, wanted};

/// The word by which the script asks.
pub(crate) const COMMAND: &str = "__complete";
/// A key was pressed: nobody waits longer.
const LIMIT: Duration = Duration::from_secs(2);
/// What kubectl runs.
const SCRIPT: &str = "#!/bin/sh\n\
    # Put this on the PATH as kubectl_complete-hooked, and make it executable: kubectl asks it what to complete.\n\
    exec kubectl-hooked __complete \"$@\"\n";

/// Why there is no script.
#[derive(Debug, Error)]
pub(crate) enum CompletionError {
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) fn run(options: &CompletionOptions) -> Result<End, CompletionError> {
    let shell = match options.shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
        Shell::Powershell => aot::Shell::PowerShell,
        Shell::Kubectl => {
            write(SCRIPT)?;
            return Ok(End::Done);
        }
    };
    let mut script = Vec::new();
    aot::generate(shell, &mut Cli::command(), "kubectl-hooked", &mut script);
    write_bytes(&script)?;
    Ok(End::Done)
}

/// Prints what the last word may become, as kubectl's own completion reads it. Whatever fails, nothing is said: a shell
/// would mix it up with what is being typed.
pub(crate) async fn complete(words: &[String]) -> ExitCode {
    let typed = words.last().map(String::as_str).unwrap_or_default();
    let wanted = wanted(words);
    // 0 has the shell complete names of files, 4 has it not.
    let directive = if wanted == Wanted::Files { 0 } else { 4 };
    let known = match wanted {
        Wanted::Words(words) => words,
        Wanted::Files => Vec::new(),
        Wanted::Names { kind, flags } => {
            let asked = tokio::time::timeout(LIMIT, names::fetch(kind, &flags)).await;
            asked.ok().flatten().unwrap_or_default().into_iter().map(|name| (name, String::new())).collect()
        }
    };
    match write(&text(&known, typed, directive)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn text(known: &[(String, String)], typed: &str, directive: u8) -> String {
    let known = known.iter().filter(|(word, _)| word.starts_with(typed));
    let lines =
        known.map(|(word, about)| if about.is_empty() { word.clone() } else { format!("{word}\t{about}") });
    lines.chain([format!(":{directive}")]).fold(String::new(), |text, line| text + &line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_told_as_kubectl_reads_them() {
        let known = [("list".to_owned(), "List".to_owned()), ("logs".to_owned(), String::new())];
        assert_eq!(text(&known, "l", 4), "list\tList\nlogs\n:4\n");
        assert_eq!(text(&known, "lo", 4), "logs\n:4\n");
        assert_eq!(text(&[], "", 0), ":0\n");
    }

    #[test]
    fn each_shell_gets_a_script() {
        for shell in [aot::Shell::Bash, aot::Shell::Zsh, aot::Shell::Fish, aot::Shell::PowerShell] {
            let mut script = Vec::new();
            aot::generate(shell, &mut Cli::command(), "kubectl-hooked", &mut script);
            assert!(String::from_utf8(script).unwrap().contains("max-log-requests"), "{shell}");
        }
    }
}
