//! The live channel's port: reports go into the index of the scope that covers their Pod, and results into
//! the metrics.

use std::sync::Arc;

use hooked_core::pass::Locked;
use hooked_core::watch::{Index, NamedOwner};
use hooked_live::{Heard, Observer, ReportResult, Reported, Sink};
use hooked_protocol::Record;
use jiff::Timestamp;
use kube_runtime::reflector::ObjectRef;

use crate::metrics::Metrics;
use crate::watch::{Scope, Triggers, trigger};

/// The index that holds a scope's Pods, and the queue of the scope's workloads.
pub(crate) struct ScopedIndex {
    pub(crate) scope: Scope,
    pub(crate) index: Arc<Index>,
    pub(crate) triggers: Triggers,
}

/// Takes in reports about the Pods of all scopes.
pub(crate) struct LiveSink {
    metrics: Arc<Metrics>,
    scopes: Locked<Vec<ScopedIndex>>,
}

impl LiveSink {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, scopes: Locked::default() }
    }

    /// Takes in reports about Pods of that scope from now on.
    pub(crate) fn attach(&self, scoped: ScopedIndex) {
        self.scopes.lock().push(scoped);
    }
}

impl Sink for LiveSink {
    fn report(&self, namespace: &str, pod_uid: &str, record: &Record) -> Option<Reported> {
        let scopes = self.scopes.lock();
        let mut covering = scopes.iter().filter(|scoped| scoped.scope.covers(namespace));
        covering.find_map(|scoped| {
            let known = scoped.index.observe_live(namespace, pod_uid, record, Timestamp::now());
            // Several workloads may watch the Pod: what is news to one is news.
            let heard = known.iter().find(|known| known.heard == Heard::News).or(known.first())?;
            let reported = Reported { heard: heard.heard, terminating: heard.terminating };
            let news = known.into_iter().filter(|known| known.heard == Heard::News);
            trigger(&scoped.triggers, news.map(|known| known.workload));
            Some(reported)
        })
    }
}

impl Observer for LiveSink {
    fn report_handled(&self, result: ReportResult) {
        self.metrics.live_reports.with_label_values(&[result.label()]).inc();
    }

    fn connected(&self) {
        self.metrics.live_connections.inc();
    }

    fn disconnected(&self) {
        self.metrics.live_connections.dec();
    }

    /// Has every workload reconciled: its Pods are to learn of the endpoint.
    fn endpoint_changed(&self) {
        for scoped in &*self.scopes.lock() {
            for NamedOwner { namespace, name, .. } in scoped.index.owners() {
                scoped.triggers.unbounded_send(ObjectRef::new(&name).within(&namespace)).ok();
            }
        }
    }
}
