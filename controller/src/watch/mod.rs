//! Watches: what the API server says, turned into facts and evidence as it comes.

mod events;
mod foreign;
mod others;
mod pods;
mod revisions;
mod scope;
mod watched;
mod watchers;
mod workloads;

pub(crate) use events::watch_events;
pub(crate) use foreign::watch_foreign;
pub(crate) use others::watch_others;
pub(crate) use pods::watch_pods;
pub(crate) use revisions::list_revisions;
pub(crate) use scope::Scope;
pub(crate) use watchers::watch_watchers;
pub(crate) use workloads::{Guarded, watch_workloads};

use futures::channel::mpsc;
use hooked_core::watch::WorkloadRef;
use kube_runtime::reflector::ObjectRef;

/// Where references of workloads to be reconciled are sent.
pub(crate) type Triggers = mpsc::UnboundedSender<ObjectRef<Guarded>>;

/// The workload as the queue of reconciles names it.
fn reference(workload: &WorkloadRef) -> ObjectRef<Guarded> {
    ObjectRef::new(&workload.name).within(&workload.namespace)
}

/// Has workloads reconciled.
pub(crate) fn trigger(triggers: &Triggers, workloads: impl IntoIterator<Item = WorkloadRef>) {
    for workload in workloads {
        // The receiver is gone only when the operator stops.
        triggers.unbounded_send(reference(&workload)).ok();
    }
}
