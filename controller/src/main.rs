//! `hooked-controller`: the operator.

mod apply;
mod commit;
mod confirm;
mod context;
mod hold;
mod lead;
mod live;
mod metrics;
mod observe;
mod prepare;
mod prune;
mod publish;
mod reconcile;
mod reject;
mod request;
mod revise;
mod run;
mod runner;
mod server;
mod settings;
mod sweep;
mod verdict;
mod vet;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use settings::Settings;

#[tokio::main]
async fn main() -> Result<(), run::RunError> {
    let filter = EnvFilter::try_from_env("HOOKED_LOG").unwrap_or_else(|_| EnvFilter::new("info,kube=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .json()
        .flatten_event(true)
        .init();
    let outcome = run::run(Settings::parse()).await;
    if let Err(error) = &outcome {
        tracing::error!(error = %error, "hooked-controller stops");
    }
    outcome
}
