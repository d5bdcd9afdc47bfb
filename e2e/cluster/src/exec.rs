//! Runs a program to its end, and makes one clear line of its failure.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Where programs live besides `PATH`: a user's `PATH` often lacks the sbin directories, and Go's own.
const MORE_PLACES: [&str; 5] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin", "/usr/bin"];

/// Finds a program as a shell would, and in the administrator's directories.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(MORE_PLACES.map(PathBuf::from))
        .map(|place| place.join(program))
        .find(|file| file.is_file())
}

/// Runs `command` and returns what it printed; its last words are the error if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output = command
        // Some answers are told apart by their words.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", last_words(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with `input` on its standard input.
pub(crate) fn feed(command: &mut Command, input: &str) -> Result<()> {
    let line = describe(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that fails early closes its input: its own words tell more than a broken pipe.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", last_words(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(())
}

/// The line of a log that most likely says why: the last that speaks of an error, else the last.
pub(crate) fn last_words(log: &str) -> String {
    let lines = || log.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["error", "err=", "fatal", "failed", "panic"].iter().any(|word| line.contains(word))
    };
    let line = lines().take(30).find(telling).or_else(|| lines().next()).unwrap_or("it said nothing");
    line.chars().take(300).collect()
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_last_error_and_not_the_usage_after_it() {
        assert_eq!(last_words("starting\nError: no such flag\nbye\n\n"), "Error: no such flag");
        assert_eq!(last_words("one\ntwo\n"), "two");
        assert_eq!(last_words(""), "it said nothing");
    }

    #[test]
    fn a_failing_program_is_quoted_with_its_reason() {
        let error = output(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c echo broken >&2; exit 3` failed: broken");
    }
}
