//! What an operator does while it leads, in one scope: watches, and a pass over each workload that something new is
//! known of.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{self, BoxFuture};
use futures::{FutureExt, StreamExt, stream};
use hooked_core::lifecycle::kubelet::EVENT_REASONS;
use hooked_core::watch::Index;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, Resource};
use kube_runtime::controller;
use kube_runtime::reflector::ObjectRef;

use crate::collect_orphans::collect_orphans;
use crate::live::{LiveSink, ScopedIndex};
use crate::readiness::Readiness;
use crate::reconcile::{Context, on_error, reconcile};
use crate::take_over::take_over;
use crate::watch::{
    Guarded, Scope, Triggers, list_revisions, trigger, watch_events, watch_foreign, watch_others, watch_pods,
    watch_workloads,
};

/// How long the first lists of Events are waited for once Pods are listed: without Events less is known of
/// some hooks, without reconciles nothing is done at all.
const EVENTS_PATIENCE: Duration = Duration::from_secs(10);

/// How long the list of stored revisions is waited for: without it each workload's are asked for.
const REVISIONS_PATIENCE: Duration = Duration::from_secs(30);

/// How long the live channel is waited for.
const LIVE_PATIENCE: Duration = Duration::from_secs(10);

/// Watches and reconciles one scope for ever, once the workloads of the `others` are taken over.
pub(crate) async fn control(
    client: Client,
    scope: Scope,
    context: Arc<Context>,
    live_sink: Arc<LiveSink>,
    concurrency: u16,
    readiness: Arc<Readiness>,
    others: &[String],
) {
    let port = context.operator.port(ObjectReference::default());
    take_over(&port, &scope, others).await;
    let index = Arc::clone(&context.index);
    let (triggers, triggered) = mpsc::unbounded();
    let (change, changed) = mpsc::unbounded();
    let scoped = ScopedIndex { scope: scope.clone(), index: Arc::clone(&index), triggers: triggers.clone() };

    let (pods_listed, pods_ready) = oneshot::channel();
    let pods_ready = pods_ready.shared();
    let runner = Arc::clone(&context.operator.runner);
    let pods =
        watch_pods(client.clone(), scope.clone(), Arc::clone(&index), runner, triggers.clone(), pods_listed);
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
        let port = context.operator.port(ObjectReference::default());
        let revisions = list_revisions(&port, &scope, &index);
        let revisions = tokio::time::timeout(REVISIONS_PATIENCE, revisions);
        let (_, revisions) = future::join(pods_ready.clone(), revisions).await;
        if revisions.is_err() {
            tracing::warn!("stored revisions are not listed yet: each workload's are asked for");
        }
        readiness.awaits(&scope, "Events");
        if tokio::time::timeout(EVENTS_PATIENCE, future::join_all(events_ready)).await.is_err() {
            tracing::warn!("Events are not listed yet: hooks are judged without them until they are");
        }
        // Reports are heard once Pods are known, and a Pod that is made before there is a live channel has none.
        live_sink.attach(scoped);
        if tokio::time::timeout(LIVE_PATIENCE, context.operator.live.settled()).await.is_err() {
            tracing::warn!("the live channel is not open yet: Pods are made without it until it is");
        }
        readiness.awaits(&scope, "HookedWorkloads");
        work(&client, &scope, context, (triggers.clone(), triggered), change, concurrency, readiness).await;
    };
    let (for_foreign, foreign_changed) = mpsc::unbounded();
    let foreign = watch_foreign(client.clone(), Arc::clone(&index), triggers.clone(), foreign_changed);
    let (for_others, others_changed) = mpsc::unbounded();
    let others = watch_others(client.clone(), port, Arc::clone(&index), triggers.clone(), others_changed);
    let passing_on = pass_on(changed, [for_foreign, for_others]);
    future::join5(pods, events, workloads, future::join(foreign, others), passing_on).await;
}

/// Tells both watches of Pods that no workload makes in which namespaces workloads come and go.
async fn pass_on(mut changed: mpsc::UnboundedReceiver<String>, watches: [mpsc::UnboundedSender<String>; 2]) {
    while let Some(namespace) = changed.next().await {
        for watch in &watches {
            // The receivers are gone only when the operator stops.
            watch.unbounded_send(namespace.clone()).ok();
        }
    }
}

/// Watches the workloads of a scope and reconciles them for ever, and those whose Pods are `triggered`.
async fn work(
    client: &Client,
    scope: &Scope,
    context: Arc<Context>,
    (triggers, triggered): (Triggers, mpsc::UnboundedReceiver<ObjectRef<Guarded>>),
    change: mpsc::UnboundedSender<String>,
    concurrency: u16,
    readiness: Arc<Readiness>,
) {
    let shown = {
        let (index, triggers, change) = (Arc::clone(&context.index), triggers.clone(), change.clone());
        move |workload: &Guarded| {
            show(&index, &triggers, &change, workload);
        }
    };
    let gone = {
        let (context, triggers, change) = (Arc::clone(&context), triggers.clone(), change.clone());
        move |namespace: &str, name: &str, uid: &str| {
            context.operator.metrics.gone(namespace, name);
            trigger(&triggers, context.index.disown(namespace, uid));
            change.unbounded_send(namespace.to_owned()).ok();
        }
    };
    let (context_of_list, listed_in) = (Arc::clone(&context), scope.clone());
    let (triggers_of_list, change_of_list) = (triggers.clone(), change.clone());
    let (store, changed) = watch_workloads(client, scope, shown, gone, move |store| {
        let Context { index, operator } = &*context_of_list;
        for workload in store.state() {
            show(index, &triggers_of_list, &change_of_list, &workload);
        }
        index.workloads_are_listed();
        readiness.is_listed(&listed_in);
        let exists =
            |namespace: &str, name: &str| store.get(&ObjectRef::new(name).within(namespace)).is_some();
        // Of what another scope covers, this list says nothing.
        operator.metrics.listed(|namespace, name| !listed_in.covers(namespace) || exists(namespace, name));
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
    future::join(all, collect_orphans(context, scope.clone(), orphans_store, triggers, change)).await;
}

/// Takes in a workload as it is shown, has others reconciled because of it, and tells its namespace.
fn show(index: &Index, triggers: &Triggers, change: &mpsc::UnboundedSender<String>, workload: &Guarded) {
    let spec = workload.0.as_ref().ok().map(|workload| &workload.spec);
    trigger(triggers, index.show_workload(workload.meta(), spec));
    // The receiver is gone only when the operator stops.
    change.unbounded_send(workload.meta().namespace.clone().unwrap_or_default()).ok();
}
