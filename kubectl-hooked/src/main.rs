//! `kubectl hooked`: what hooks did, and why a container was killed, for people and pipelines.
//!
//! A command fetches, a pure function turns what was fetched into a value, and another one turns that into
//! lines: text is tested without a cluster.
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

mod adopt;
mod arguments;
mod check;
mod completion;
mod conditions;
mod connect;
mod convert;
mod counts;
mod end;
#[cfg(test)]
mod fixtures;
mod history;
mod list;
mod logs;
mod manual;
mod observe;
mod output;
mod overview;
mod ownership;
mod pages;
mod pause;
mod pods;
mod print;
mod release;
mod render;
mod report;
mod request;
mod restart;
mod revisions;
mod runs;
#[cfg(test)]
mod served;
mod status;
mod undo;
mod version;
mod why;
mod workloads;

use std::process::ExitCode;

use clap::Parser;
use thiserror::Error;

use arguments::{Cli, Command};
use end::End;
use print::Screen;

#[derive(Debug, Error)]
enum CommandError {
    #[error(transparent)]
    Connect(#[from] connect::ConnectError),
    #[error(transparent)]
    Status(#[from] status::StatusError),
    #[error(transparent)]
    Runs(#[from] runs::RunsError),
    #[error(transparent)]
    Why(#[from] why::WhyError),
    #[error(transparent)]
    Adopt(#[from] adopt::AdoptError),
    #[error(transparent)]
    Release(#[from] release::ReleaseError),
    #[error(transparent)]
    Convert(#[from] convert::ConvertError),
    #[error(transparent)]
    List(#[from] list::ListError),
    #[error(transparent)]
    Logs(#[from] logs::LogsError),
    #[error(transparent)]
    History(#[from] history::HistoryError),
    #[error(transparent)]
    Undo(#[from] undo::UndoError),
    #[error(transparent)]
    Pause(#[from] pause::PauseError),
    #[error(transparent)]
    Restart(#[from] restart::RestartError),
    #[error(transparent)]
    Check(#[from] check::CheckError),
    #[error(transparent)]
    Observe(#[from] observe::ObserveError),
    #[error(transparent)]
    Version(#[from] version::VersionError),
    #[error(transparent)]
    Completion(#[from] completion::CompletionError),
    #[error(transparent)]
    Report(#[from] report::ReportError),
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    // Words that programs say and nobody types; what follows the first may be half a flag, which no parser takes.
    match words.get(1).map(String::as_str) {
        Some(completion::COMMAND) => return completion::complete(&words[2..]).await,
        Some(manual::COMMAND) => return manual::write(&words[2..]),
        _ => {}
    }
    match run(Cli::parse()).await {
        Ok(end) => end.into(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<End, CommandError> {
    let Cli { cluster, no_color, command } = cli;
    let screen = Screen::of_stdout(no_color);
    // What is converted needs no cluster.
    let connect = async || connect::connect(&cluster).await;
    match command {
        Command::Version(options) => Ok(version::run(&cluster, &options, &screen).await?),
        Command::Report(options) => Ok(report::run(&connect().await?, &options).await?),
        Command::Completion(options) => Ok(completion::run(&options)?),
        Command::Convert(options) => Ok(convert::run(&options).map(|()| End::Done)?),
        Command::Adopt(options) => Ok(adopt::run(&connect().await?, &options, &screen).await?),
        Command::Release(options) => Ok(release::run(&connect().await?, &options, &screen).await?),
        Command::Status(options) => Ok(status::run(&connect().await?, &options, &screen).await?),
        Command::Runs(options) => Ok(runs::run(&connect().await?, &options, &screen).await?),
        Command::Why(options) => Ok(why::run(&connect().await?, &options, &screen).await?),
        Command::List(options) => Ok(list::run(&connect().await?, &options, &screen).await?),
        Command::Logs(options) => Ok(logs::run(&connect().await?, &options).await?),
        Command::History(options) => Ok(history::run(&connect().await?, &options, &screen).await?),
        Command::Observe(options) => Ok(observe::run(&connect().await?, &options, &screen).await?),
        Command::Undo(options) => Ok(undo::run(&connect().await?, &options, &screen).await?),
        Command::Pause(options) => Ok(pause::run(&connect().await?, &options, true, &screen).await?),
        Command::Resume(options) => Ok(pause::run(&connect().await?, &options, false, &screen).await?),
        Command::Check(options) => Ok(check::run(&connect().await?, &options, &screen).await?),
        Command::Restart(options) => Ok(restart::run(&connect().await?, &options, &screen).await?),
    }
}
