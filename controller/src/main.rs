//! `hooked-controller`: the operator.

mod call;
mod clients;
mod collect_orphans;
mod control;
mod creates;
mod fence;
mod find_cluster;
#[cfg(test)]
mod heap;
mod http;
mod injector;
mod lease;
mod live;
mod logs;
mod metrics;
mod own_pod;
mod port;
mod readiness;
mod reconcile;
mod request;
mod runner;
mod scrapers;
mod settings;
#[cfg(test)]
mod simulated;
mod take_over;
mod tls_listener;
mod verify;
mod watch;
mod wire;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use settings::{Cli, Settings};
use verify::{Verify, verify};

/// One thread: nearly all work is a few microseconds between two messages, and to wake another thread for it costs more
/// than the work.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { question, settings } = Cli::parse();
    match question {
        Some(question) => answer(question).await,
        None => operate(settings).await,
    }
}

/// Runs the operator until it is asked to stop.
async fn operate(settings: Settings) -> ExitCode {
    settings.log.begin();
    match wiring::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "hooked-controller stops");
            ExitCode::FAILURE
        }
    }
}

/// Answers whoever installs or removes the operator, and not its log.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the answer is all that the program is run for")]
async fn answer(question: Verify) -> ExitCode {
    match verify(question).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
