//! An operator, started as its program starts it.

use clap::Parser;
use futures::channel::oneshot;
use tokio::task::JoinHandle;

use super::cluster::Cluster;
use super::service::client;
use crate::clients::Clients;
use crate::settings::Cli;
use crate::wiring::{WiringError, operate};

/// An operator that runs.
pub(super) struct Operator {
    task: JoinHandle<Result<(), WiringError>>,
    stop: oneshot::Sender<()>,
}

impl Operator {
    /// Starts an operator of that name with these flags, which was told the runner's image.
    pub(super) fn start(cluster: &Cluster, name: &str, flags: &[&str]) -> Self {
        let flags: Vec<&str> = ["--runner-image=hooked:1"].into_iter().chain(flags.iter().copied()).collect();
        Self::start_untold(cluster, name, &flags)
    }

    /// Starts an operator of that name with these flags, which go before its own.
    pub(super) fn start_untold(cluster: &Cluster, name: &str, flags: &[&str]) -> Self {
        let own = [
            "hooked-controller",
            "--metrics-bind-address=127.0.0.1:0",
            "--live-bind-address=",
            "--leader-elect=false",
        ];
        let own = own.into_iter().chain(["--health-probe-bind-address=127.0.0.1:0"]);
        let is_told = |own: &&str| {
            let flag = own.split_inclusive('=').next().unwrap_or_default();
            !flag.ends_with('=') || !flags.iter().any(|told| told.starts_with(flag))
        };
        let told = flags.iter().copied().chain(["--pod-name", name]);
        let Cli { settings, .. } = Cli::parse_from(own.filter(is_told).chain(told));
        let client = client(cluster, name);
        let clients = Clients { once: client.clone(), client };
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        Self { task: tokio::spawn(operate(settings, clients, stopped)), stop }
    }

    /// Asks it to stop; it goes on until it has ended.
    pub(super) fn stop(self) -> JoinHandle<Result<(), WiringError>> {
        self.stop.send(()).unwrap();
        self.task
    }

    /// Ends it wherever it is, as SIGKILL does.
    pub(super) async fn crash(self) {
        self.task.abort();
        self.task.await.ok();
    }

    /// Waits until it ends by itself.
    pub(super) async fn end(self) -> Result<(), WiringError> {
        self.task.await.unwrap()
    }
}
