//! `hooked-controller`: the operator.

mod collect_orphans;
mod control;
mod creates;
mod fence;
#[cfg(test)]
mod heap;
mod http;
mod lease;
mod live;
mod logs;
mod metrics;
mod port;
mod reconcile;
mod request;
mod runner;
mod settings;
#[cfg(test)]
mod simulated;
mod watch;
mod wire;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use settings::Settings;

/// One thread: nearly all work is a few microseconds between two messages, and to wake another thread for it costs more
/// than the work.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    settings.log.begin();
    match wiring::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "hooked-controller stops");
            ExitCode::FAILURE
        }
    }
}
