//! Watches: what the API server says, turned into facts and evidence as it comes.

mod events;
mod pods;
mod watched;
mod workloads;

pub(crate) use events::watch_events;
pub(crate) use pods::watch_pods;
pub(crate) use workloads::{Guarded, watch_workloads};

use futures::channel::mpsc;
use hooked_core::watch::WorkloadRef;
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use kube_runtime::reflector::ObjectRef;
use kube_runtime::watcher;

/// Where references of workloads to be reconciled are sent.
pub(crate) type Triggers = mpsc::UnboundedSender<ObjectRef<Guarded>>;

/// The workload as the queue of reconciles names it.
pub(crate) fn reference(workload: &WorkloadRef) -> ObjectRef<Guarded> {
    ObjectRef::new(&workload.name).within(&workload.namespace)
}

/// What one set of watches covers: a namespace, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(pub(crate) Option<String>);

impl Scope {
    /// Whether objects of `namespace` are in it.
    pub(crate) fn covers(&self, namespace: &str) -> bool {
        self.0.as_deref().is_none_or(|only| only == namespace)
    }

    fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.0 {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        }
    }
}

/// A dead connection is noticed after the watch's timeout and 5 s: 295 s by default is too long for people on call.
const WATCH_TIMEOUT_SECONDS: u32 = 30;

fn watch_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_TIMEOUT_SECONDS)
}
