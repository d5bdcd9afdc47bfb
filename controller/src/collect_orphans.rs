//! Our finalizer must never outlive the one who would remove it: a Pod would stay for ever.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use hooked_core::pass::remove_stray_finalizer;
use hooked_core::watch::{NamedOwner, Stray};
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::Api;
use kube::{Error, ResourceExt};
use kube_runtime::reflector::Store;

use crate::reconcile::Context;
use crate::watch::{Guarded, Triggers, trigger};

/// How often it is looked: nothing waits for it but Pods that would otherwise stay for ever.
const PERIOD: Duration = Duration::from_secs(5);

/// Lets Pods go that no workload accounts for, for ever. Runs only once the first lists are complete.
pub(crate) async fn collect_orphans(
    context: Arc<Context>,
    workloads: Store<Guarded>,
    triggers: Triggers,
    change: mpsc::UnboundedSender<String>,
) {
    if workloads.wait_until_ready().await.is_err() {
        return;
    }
    let port = context.operator.port(ObjectReference::default());
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        for stray in context.index.strays() {
            let Stray { namespace, name, uid, version } = &stray;
            if let Err(error) =
                remove_stray_finalizer(&port, namespace, (name, uid), version.as_deref()).await
            {
                tracing::warn!(%error, "a Pod without an owner could not be released");
                context.index.return_stray(stray);
            }
        }
        // Known by its UID and not by its name, which may be what a Pod has told.
        let state = workloads.state();
        let known: HashSet<_> = state.iter().map(|workload| (workload.namespace(), workload.uid())).collect();
        for NamedOwner { namespace, name, uid } in context.index.owners() {
            let is_known = known.contains(&(Some(namespace.clone()), Some(uid.clone())));
            if !is_known && is_gone(&context, &namespace, &name, &uid).await {
                trigger(&triggers, context.index.disown(&namespace, &uid));
                // The receiver is gone only when the operator stops.
                change.unbounded_send(namespace).ok();
            }
        }
    }
}

/// Whether the API server, and not only the cache, knows no such workload.
async fn is_gone(context: &Context, namespace: &str, name: &str, uid: &str) -> bool {
    let workloads: Api<HookedWorkload> = Api::namespaced(context.operator.client.clone(), namespace);
    match workloads.get_metadata(name).await {
        Ok(metadata) => metadata.metadata.uid.as_deref() != Some(uid),
        Err(error) => matches!(error, Error::Api(status) if status.code == 404),
    }
}
