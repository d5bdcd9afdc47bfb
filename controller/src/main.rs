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

use clap::Parser;
use tracing_subscriber::EnvFilter;

use settings::Settings;

/// One thread: nearly all work is a few microseconds between two messages, and to wake another thread for it costs more
/// than the work.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), wiring::WiringError> {
    let filter = EnvFilter::try_from_env("HOOKED_LOG").unwrap_or_else(|_| EnvFilter::new("info,kube=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .json()
        .flatten_event(true)
        .init();
    let outcome = wiring::run(Settings::parse()).await;
    if let Err(error) = &outcome {
        tracing::error!(error = %error, "hooked-controller stops");
    }
    outcome
}
