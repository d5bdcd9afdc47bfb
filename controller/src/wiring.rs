//! Wiring: what is started, and in which order.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{self, BoxFuture};
use futures::{FutureExt, StreamExt, stream};
use hooked_core::lifecycle::kubelet::EVENT_REASONS;
use hooked_live::Channel;
use kube::Client;
use kube_runtime::controller;
use kube_runtime::reflector::ObjectRef;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::collect_orphans::collect_orphans;
use crate::http::{ServeError, serve_health, serve_metrics};
use crate::lease::{Election, LeadError, Leadership, Standing};
use crate::live::{LiveSink, ScopedIndex};
use crate::metrics::Metrics;
use crate::port::Operator;
use crate::reconcile::{Context, on_error, reconcile};
use crate::runner::RunnerSource;
use crate::settings::Settings;
use crate::watch::{Guarded, Scope, watch_events, watch_pods, watch_workloads};

/// How long the first lists of Events are waited for once Pods are listed: without Events less is known of
/// some hooks, without reconciles nothing is done at all.
const EVENTS_PATIENCE: Duration = Duration::from_secs(10);

/// How long the live channel is waited for.
const LIVE_PATIENCE: Duration = Duration::from_secs(10);

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

/// Two clients of the cluster. The first sends no request a second time: it could be carried out twice, and when this
/// operator leads no more.
async fn clients() -> Result<(Client, Client), WiringError> {
    let cluster = find_cluster().await?;
    let mut single_try = cluster.clone();
    single_try.default_retry = false;
    Ok((Client::try_from(single_try)?, Client::try_from(cluster)?))
}

/// What each set of watches covers.
fn scopes(namespaces: Vec<String>) -> Vec<Scope> {
    if namespaces.is_empty() {
        return vec![Scope(None)];
    }
    namespaces.into_iter().map(Some).map(Scope).collect()
}

/// The cluster that this process runs in, or else the one that a kubeconfig names.
async fn find_cluster() -> Result<kube::Config, WiringError> {
    match kube::Config::incluster() {
        Ok(cluster) => Ok(cluster),
        Err(_) => Ok(kube::Config::infer().await?),
    }
}

/// Runs until it is asked to stop.
pub(crate) async fn run(settings: Settings) -> Result<(), WiringError> {
    let live_options = settings.live();
    let Settings {
        metrics_bind_address,
        health_probe_bind_address,
        namespaces,
        runner_image,
        injection,
        concurrency,
        leader_elect,
        pod_namespace,
        pod_name,
        ..
    } = settings;
    let runner = Arc::new(RunnerSource::new(runner_image, injection));
    let (once, client) = clients().await?;
    let metrics = Arc::new(Metrics::new()?);
    let (tell_standing, standing) = watch::channel(Standing::Unknown);
    let mut election = leader_elect.then(|| Election::new(&client, pod_namespace, &pod_name, tell_standing));
    let leadership = election.as_ref().map_or_else(|| Arc::new(Leadership::Sole), Election::leadership);
    let scopes = scopes(namespaces);
    let live = Arc::new(Channel::default());
    let live_sink = Arc::new(LiveSink::new(Arc::clone(&metrics)));
    let ready = Arc::new(AtomicBool::new(false));
    let (listed, all_listed): (Vec<_>, Vec<_>) = scopes.iter().map(|_| oneshot::channel()).unzip();
    let work = async {
        // Nothing is looked at before: what another has counted of Pods that are gone must not be remembered here.
        lead(&leadership, standing.clone()).await;
        metrics.leader.set(1);
        let works = future::join_all(scopes.into_iter().zip(listed).map(|(scope, listed)| {
            let (metrics, runner, live) = (Arc::clone(&metrics), Arc::clone(&runner), Arc::clone(&live));
            let (leadership, pod_name) = (Arc::clone(&leadership), pod_name.clone());
            let operator = Operator::new(once.clone(), metrics, runner, live, leadership, pod_name);
            let context = Context { operator: Arc::new(operator), index: Arc::default() };
            control(client.clone(), scope, Arc::new(context), Arc::clone(&live_sink), concurrency, listed)
        }));
        let (sink, observer) = (Arc::clone(&live_sink), Arc::clone(&live_sink));
        future::join(works, hooked_live::serve(&live_options, &client, &live, sink, observer)).await;
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let outcome = tokio::select! {
        () = work => Ok(()),
        () = tell_readiness(standing.clone(), all_listed, &ready) => Ok(()),
        lost = elect(election.as_mut()) => Err(lost.into()),
        served = serve_metrics(metrics_bind_address, Arc::clone(&metrics)) => served.map_err(WiringError::from),
        served = serve_health(health_probe_bind_address, Arc::clone(&ready)) => served.map_err(WiringError::from),
        _ = terminate.recv() => { tracing::info!("asked to stop"); Ok(()) }
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    // All work has ended with the selection, so the next operator may begin.
    if let Some(election) = election {
        election.release().await;
    }
    outcome
}

/// Keeps the Lease, if there is an election.
async fn elect(election: Option<&mut Election>) -> LeadError {
    match election {
        Some(election) => election.run().await,
        None => future::pending().await,
    }
}

/// Waits until this operator leads.
async fn lead(leadership: &Leadership, mut standing: watch::Receiver<Standing>) {
    if matches!(leadership, Leadership::Sole) {
        return;
    }
    if standing.wait_for(|standing| *standing == Standing::Leader).await.is_ok() {
        tracing::info!("this operator leads");
    }
}

/// Ready is who waits for another's Lease, and who leads and has read the cluster.
async fn tell_readiness(
    mut standing: watch::Receiver<Standing>,
    all_listed: Vec<oneshot::Receiver<()>>,
    ready: &AtomicBool,
) {
    let mut listed = pin!(future::join_all(all_listed));
    loop {
        tokio::select! {
            _ = &mut listed => break,
            Ok(()) = standing.changed() => {
                ready.store(*standing.borrow_and_update() == Standing::Standby, Ordering::Release);
            }
            else => break,
        }
    }
    ready.store(true, Ordering::Release);
    tracing::info!("ready: the first lists are complete");
    future::pending::<()>().await;
}

/// Watches and reconciles one scope for ever.
async fn control(
    client: Client,
    scope: Scope,
    context: Arc<Context>,
    live_sink: Arc<LiveSink>,
    concurrency: u16,
    listed: oneshot::Sender<()>,
) {
    let index = Arc::clone(&context.index);
    let (triggers, triggered) = mpsc::unbounded();
    let scoped = ScopedIndex { scope: scope.clone(), index: Arc::clone(&index), triggers: triggers.clone() };

    let (pods_listed, pods_ready) = oneshot::channel();
    let pods_ready = pods_ready.shared();
    let pods = watch_pods(client.clone(), scope.clone(), Arc::clone(&index), triggers.clone(), pods_listed);
    let (events_listed, events_ready): (Vec<_>, Vec<_>) =
        EVENT_REASONS.iter().map(|_| oneshot::channel()).unzip();
    let events = EVENT_REASONS.into_iter().zip(events_listed).map(|(reason, listed)| {
        watch_events(client.clone(), scope.clone(), reason, Arc::clone(&index), triggers.clone(), listed)
    });
    let pods: BoxFuture<'_, ()> = pods.boxed();
    // An Event of a Pod that is not known yet says nothing: Pods are listed first.
    let events = async {
        pods_ready.clone().await.ok();
        future::join_all(events).await;
    };
    let workloads = async {
        pods_ready.clone().await.ok();
        if tokio::time::timeout(EVENTS_PATIENCE, future::join_all(events_ready)).await.is_err() {
            tracing::warn!("Events are not listed yet: hooks are judged without them until they are");
        }
        // Reports are heard once Pods are known, and a Pod that is made before there is a live channel has none.
        live_sink.attach(scoped);
        if tokio::time::timeout(LIVE_PATIENCE, context.operator.live.settled()).await.is_err() {
            tracing::warn!("the live channel is not open yet: Pods are made without it until it is");
        }
        listed.send(()).ok();
        work(&client, &scope, context, triggered, concurrency).await;
    };
    future::join3(pods, events, workloads).await;
}

/// Watches the workloads of a scope and reconciles them for ever, and those whose Pods are `triggered`.
async fn work(
    client: &Client,
    scope: &Scope,
    context: Arc<Context>,
    triggered: mpsc::UnboundedReceiver<ObjectRef<Guarded>>,
    concurrency: u16,
) {
    let gone = {
        let context = Arc::clone(&context);
        move |namespace: &str, name: &str, uid: &str| {
            context.operator.metrics.gone(namespace, name);
            context.index.disown(namespace, uid);
        }
    };
    let (metrics, listed_in) = (Arc::clone(&context.operator.metrics), scope.clone());
    let (store, changed) = watch_workloads(client, scope, gone, move |store| {
        let exists =
            |namespace: &str, name: &str| store.get(&ObjectRef::new(name).within(namespace)).is_some();
        // Of what another scope covers, this list says nothing.
        metrics.listed(|namespace, name| !listed_in.covers(namespace) || exists(namespace, name));
    });
    let orphans_store = store.clone();
    let queue = stream::select(changed, triggered).map(Ok::<_, std::convert::Infallible>);
    let config = controller::Config::default().concurrency(concurrency);
    let reconciles = controller::applier(
        |workload, context| reconcile(workload, context).boxed(),
        on_error,
        Arc::clone(&context),
        store,
        queue,
        config,
    );
    // Outcomes are logged where they are known; a workload that went meanwhile is no error.
    let all = reconciles.for_each(|_| future::ready(()));
    future::join(all, collect_orphans(context, orphans_store)).await;
}
