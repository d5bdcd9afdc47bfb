//! Wiring: what is started, and in which order.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future;
use hooked_live::Channel;
use kube::Client;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::clients::Clients;
use crate::control::control;
use crate::fence::Fence;
use crate::find_cluster::find_cluster;
use crate::http::{ServeError, serve_health, serve_metrics};
use crate::injector::{Serving, serve_injector};
use crate::lease::{Election, LeadError, Leadership, Standing};
use crate::live::LiveSink;
use crate::metrics::Metrics;
use crate::own_pod::OwnPod;
use crate::port::Operator;
use crate::readiness::Readiness;
use crate::reconcile::Context;
use crate::runner::RunnerSource;
use crate::scrapers::Scrapers;
use crate::settings::Settings;
use crate::watch::Scope;

/// How long the injector answers at least after the operator was asked to stop: API servers hear only then that they
/// are to ask another. The Pod has ten seconds to go.
const LINGER: Duration = Duration::from_secs(3);

#[derive(Debug, Error)]
pub(crate) enum WiringError {
    #[error("no cluster: {0}")]
    Client(#[from] kube::Error),
    #[error("no cluster is configured, neither in-cluster nor by KUBECONFIG: {0}")]
    Config(#[from] kube::config::InferConfigError),
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("signals cannot be received: {0}")]
    Signal(#[from] std::io::Error),
    #[error(transparent)]
    Lead(#[from] LeadError),
}

/// What each set of watches covers.
fn scopes(namespaces: Vec<String>) -> Vec<Scope> {
    if namespaces.is_empty() {
        return vec![Scope(None)];
    }
    // Two sets of watches over the same workloads would count side by side.
    let named: BTreeSet<String> = namespaces.into_iter().collect();
    named.into_iter().map(Some).map(Scope).collect()
}

/// Runs until it is asked to stop.
pub(crate) async fn run(settings: Settings) -> Result<(), WiringError> {
    let clients = Clients::of(find_cluster().await?)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to stop"),
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    operate(settings, clients, stop).await
}

/// Who may read metrics, if not everybody may.
fn scrapers(settings: &Settings, client: &Client) -> Result<Option<Arc<Scrapers>>, ServeError> {
    let directory = settings.metrics_cert_dir.as_ref().filter(|directory| !directory.is_empty());
    let scrapers = || Scrapers::new(client.clone(), directory.map(PathBuf::from));
    Ok(settings.metrics_secure.then(scrapers).transpose()?.map(Arc::new))
}

/// What an operator seeks the Lease by, if it does, how it stands, and what lets its requests through.
fn candidacy(
    leader_elect: bool,
    client: &Client,
    own_pod: &OwnPod,
) -> (Option<Election>, watch::Receiver<Standing>, Arc<Fence>) {
    let begins = if leader_elect { Standing::Unknown } else { Standing::Leader };
    let (tell_standing, standing) = watch::channel(begins);
    let election = leader_elect.then(|| Election::new(client, own_pod, tell_standing));
    let leadership = election.as_ref().map_or_else(|| Arc::new(Leadership::Sole), Election::leadership);
    (election, standing, Arc::new(Fence::new(leadership)))
}

/// Seeks the Lease, works while it leads, and serves metrics, until it is asked to `stop`.
pub(crate) async fn operate(
    settings: Settings,
    clients: Clients,
    stop: impl Future<Output = ()>,
) -> Result<(), WiringError> {
    let (live_options, injector) = (settings.live(), settings.injector());
    let (scrapers, injects) = (scrapers(&settings, &clients.client)?, injector.bind_address.is_some());
    let (runner, own_pod) = (Arc::new(RunnerSource::new(settings.runner())), settings.own_pod());
    let Settings {
        metrics_bind_address,
        health_probe_bind_address,
        namespaces,
        concurrency,
        leader_elect,
        take_over: others,
        ..
    } = settings;
    let Clients { once, client } = &clients;
    let (scopes, metrics) = (scopes(namespaces), Arc::new(Metrics::new()?));
    let (mut election, standing, fence) = candidacy(leader_elect, client, &own_pod);
    let (live, live_sink) = (Arc::new(Channel::default()), Arc::new(LiveSink::new(Arc::clone(&metrics))));
    let awaited_live = live_options.bind_address.is_some().then(|| Arc::clone(&live));
    let serving = watch::Sender::new(Serving::Unknown);
    let injecting = injects.then(|| serving.subscribe());
    let readiness = Arc::new(Readiness::new(standing.clone(), &scopes, awaited_live, injecting));
    let leading = (standing.clone(), fence.clone());
    let inject = serve_injector(injector, clients.clone(), runner.clone(), scopes.clone(), leading, serving);
    let mut inject = inject.boxed().fuse();
    let work = async {
        // Nothing is looked at before: what another has counted of Pods that are gone must not be remembered here.
        lead(standing).await;
        metrics.leader.set(1);
        let works = future::join_all(scopes.into_iter().map(|scope| {
            let (metrics, runner, live) = (Arc::clone(&metrics), Arc::clone(&runner), Arc::clone(&live));
            let (fence, own_pod) = (Arc::clone(&fence), own_pod.clone());
            let operator = Operator::new(once, metrics, runner, live, injects, fence, own_pod);
            let context = Context { operator: Arc::new(operator), index: Arc::default() };
            let (sink, readiness) = (Arc::clone(&live_sink), Arc::clone(&readiness));
            control(client.clone(), scope, Arc::new(context), sink, concurrency, readiness, &others)
        }));
        let (sink, observer) = (Arc::clone(&live_sink), Arc::clone(&live_sink));
        future::join(works, hooked_live::serve(&live_options, client, &live, sink, observer)).await;
    };
    let served_metrics = serve_metrics(metrics_bind_address, Arc::clone(&metrics), scrapers);
    let serve = future::try_join(served_metrics, serve_health(health_probe_bind_address, readiness.clone()));
    let mut work = work.boxed().fuse();
    let outcome = tokio::select! {
        () = &mut work => Ok(()),
        lost = elect(election.as_mut()) => Err(lost.into()),
        () = &mut inject => Ok(()),
        served = serve => served.map(drop).map_err(WiringError::from),
        () = stop => Ok(()),
    };
    outlast(inject, leave(&fence, work, election), if injects { LINGER } else { Duration::ZERO }).await;
    outcome
}

/// Has the injector answer until the operator has left, and for so long at least.
async fn outlast(inject: impl Future<Output = ()>, leave: impl Future<Output = ()>, linger: Duration) {
    let inject = inject.then(|()| future::pending::<()>());
    tokio::select! {
        _ = future::join(leave, sleep(linger)) => {}
        () = inject => {}
    }
}

/// Sends nothing more, waits until what is under way has come to its end, and gives the Lease back: then the next
/// operator may begin. The work, and with it the live channel, is over only then.
async fn leave(fence: &Fence, mut work: impl Future<Output = ()> + Unpin, election: Option<Election>) {
    fence.close();
    tokio::select! {
        () = &mut work => {}
        () = fence.idle() => {}
    }
    if let Some(election) = election {
        election.release().await;
    }
}

/// Keeps the Lease, if there is an election.
async fn elect(election: Option<&mut Election>) -> LeadError {
    match election {
        Some(election) => election.run().await,
        None => future::pending().await,
    }
}

/// Waits until this operator leads.
async fn lead(mut standing: watch::Receiver<Standing>) {
    if standing.wait_for(|standing| *standing == Standing::Leader).await.is_ok() {
        tracing::info!("this operator leads");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_named_twice_is_worked_in_once() {
        let scopes = |names: &[&str]| {
            let scopes = scopes(names.iter().map(|name| (*name).to_owned()).collect());
            scopes.into_iter().map(|Scope(name)| name).collect::<Vec<_>>()
        };
        assert_eq!(scopes(&["b", "a", "b"]), [Some("a".to_owned()), Some("b".to_owned())]);
        assert_eq!(scopes(&[]), [None]);
    }
}
