//! Our finalizer must never outlive the one who would remove it: a Pod would stay for ever.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use hooked_core::pass::{Cluster, Failure, call, remove_stray_finalizer};
use hooked_core::watch::{Index, NamedOwner, Stray};
use hooked_crd::HookedWorkload;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::{Error, ResourceExt};
use kube_runtime::reflector::Store;
use serde::Deserialize;

use crate::reconcile::Context;
use crate::watch::{Guarded, Scope, Triggers, trigger};

/// How often it is looked: nothing waits for it but Pods that would otherwise stay for ever.
const PERIOD: Duration = Duration::from_secs(5);

/// How many times it is looked before Pods of others that our finalizer was put on are listed: only a Pod is found so
/// that was created while its workload went.
const LIST_EVERY: u32 = 60;

/// Lets Pods go that no workload accounts for, for ever. Runs only once the first lists are complete.
pub(crate) async fn collect_orphans(
    context: Arc<Context>,
    scope: Scope,
    workloads: Store<Guarded>,
    triggers: Triggers,
    change: mpsc::UnboundedSender<String>,
) {
    if workloads.wait_until_ready().await.is_err() {
        return;
    }
    let port = context.operator.port(ObjectReference::default());
    let mut ticks = tokio::time::interval(PERIOD);
    let mut told = String::new();
    for look in (0..LIST_EVERY).cycle() {
        ticks.tick().await;
        if look == 0 {
            let failed = list_held(&port, &scope, &context.index).await.err();
            let error = failed.map(|error| error.to_string()).unwrap_or_default();
            if !error.is_empty() && error != told {
                tracing::warn!(error, "Pods of others that nobody may account for cannot be listed");
            }
            told = error;
        }
        for stray in context.index.strays() {
            let Stray { namespace, name, uid, version, .. } = &stray;
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

/// What is read of a Pod that is held. Managed fields, which are most of a Pod's metadata, are not.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeldPod {
    namespace: String,
    name: String,
    uid: String,
    resource_version: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    finalizers: Vec<String>,
}

impl From<HeldPod> for ObjectMeta {
    fn from(pod: HeldPod) -> Self {
        let HeldPod { namespace, name, uid, resource_version, labels, finalizers } = pod;
        Self {
            namespace: Some(namespace),
            name: Some(name),
            uid: Some(uid),
            resource_version: Some(resource_version),
            labels: Some(labels),
            finalizers: Some(finalizers),
            ..Self::default()
        }
    }
}

/// Shows the index all Pods of others that our finalizer was put on. What cannot be listed is listed the next time.
async fn list_held(cluster: &impl Cluster, scope: &Scope, index: &Index) -> Result<(), Failure> {
    let mut token = String::new();
    loop {
        let page = cluster.send(call::list_held(scope.0.as_deref(), &token)).await?;
        for pod in page["items"].as_array().into_iter().flatten() {
            if let Ok(pod) = HeldPod::deserialize(&pod["metadata"]) {
                index.show_held(&pod.into());
            }
        }
        page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            return Ok(());
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
