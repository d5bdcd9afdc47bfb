//! Pods that nobody accounts for any more are let go: their workload is gone, or they have lost it as their owner.
//!
//! A finalizer must never outlive the one who would remove it: a Pod would stay for ever.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use hooked_crd::HookedWorkload;
use kube::ResourceExt;
use kube::api::Api;
use kube_runtime::reflector::Store;

use crate::apply::release_stray;
use crate::context::Context;
use crate::observe::{Guarded, NamedOwner};
use crate::request;

/// How often it is looked: nothing waits for it but Pods that would otherwise stay for ever.
const PERIOD: Duration = Duration::from_secs(5);

/// Lets go of such Pods for ever. Runs only once the first lists are complete.
pub(crate) async fn sweep(context: Arc<Context>, workloads: Store<Guarded>) {
    if workloads.wait_until_ready().await.is_err() {
        return;
    }
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        for stray in context.index.strays() {
            if let Err(error) = release_stray(&context.client, &stray).await {
                tracing::warn!(%error, "a Pod without an owner could not be released");
                context.index.note_stray(stray);
            }
        }
        // Known by its UID and not by its name, which may be what a Pod has told.
        let state = workloads.state();
        let known: HashSet<_> = state.iter().map(|workload| (workload.namespace(), workload.uid())).collect();
        for NamedOwner { namespace, name, uid } in context.index.owners() {
            let is_known = known.contains(&(Some(namespace.clone()), Some(uid.clone())));
            if !is_known && is_gone(&context, &namespace, &name, &uid).await {
                context.forget(&namespace, &uid);
            }
        }
    }
}

/// Whether the API server, and not only the cache, knows no such workload.
async fn is_gone(context: &Context, namespace: &str, name: &str, uid: &str) -> bool {
    let workloads: Api<HookedWorkload> = Api::namespaced(context.client.clone(), namespace);
    match workloads.get_metadata(name).await {
        Ok(metadata) => metadata.metadata.uid.as_deref() != Some(uid),
        Err(error) => request::is_not_found(&error),
    }
}
