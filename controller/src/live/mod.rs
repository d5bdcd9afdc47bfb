//! The live channel: runners tell of their hooks while they run, and are told to stop one that keeps its Pod from going.
//!
//! Nothing is counted because of it that would not be counted without it: what comes live comes once more in the
//! container's termination log, under the same run. So whatever is wrong with the channel costs no more than time.

mod authenticate;
mod certificate;
mod conversation;
mod keys;
mod limits;
mod listen;
mod proof;
mod refusal;
mod registry;
mod route;
mod secret;
mod serve;
mod service;
mod signature;

use std::sync::Arc;

use hooked_core::lifecycle::LiveEndpoint;
use hooked_core::status::LiveService;
use hooked_core::workload::tally::Heard;
use hooked_protocol::Record;
use jiff::Timestamp;
use kube_runtime::reflector::ObjectRef;
use tokio::sync::watch;

use crate::context::Locked;
use crate::observe::{Index, NamedOwner, Scope, Triggers};
use registry::Registry;

pub(crate) use refusal::RESULTS;
pub(crate) use serve::{Options, serve};

/// Where reports about a scope's Pods go.
pub(crate) struct Inlet {
    pub(crate) scope: Scope,
    pub(crate) index: Arc<Index>,
    pub(crate) triggers: Triggers,
}

/// What the rest of the operator knows of the live channel.
#[derive(Default)]
pub(crate) struct Live {
    registry: Registry,
    inlets: Locked<Vec<Inlet>>,
    /// Where runners reach us, and since when; none while they do not.
    serving: Locked<Option<(LiveEndpoint, LiveService)>>,
    tried: watch::Sender<bool>,
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delivery {
    heard: Heard,
    /// The Pod is to go.
    terminating: bool,
}

impl Live {
    /// Reports about Pods of that scope go there from now on.
    pub(crate) fn attach(&self, inlet: Inlet) {
        self.inlets.lock().push(inlet);
    }

    /// Where runners reach the operator now, if they do.
    pub(crate) fn endpoint(&self) -> Option<LiveEndpoint> {
        self.serving.lock().as_ref().map(|(endpoint, _)| endpoint.clone())
    }

    /// Since when the operator listens, if it does.
    pub(crate) fn service(&self) -> Option<LiveService> {
        self.serving.lock().as_ref().map(|(_, service)| service.clone())
    }

    /// Tells the runners of a Pod's postStart hooks to stop them, where any is connected.
    pub(crate) fn stop(&self, pod_uid: &str) {
        self.registry.stop(pod_uid);
    }

    /// Returns when it is known whether there is a live channel: Pods that are made before have none.
    pub(crate) async fn tried(&self) {
        // The sender is our own, so it is there as long as this is.
        self.tried.subscribe().wait_for(|tried| *tried).await.ok();
    }

    /// Takes in a report about a Pod, and has its workload looked at; none if nobody knows such a Pod.
    fn deliver(&self, namespace: &str, pod_uid: &str, record: &Record) -> Option<Delivery> {
        for inlet in self.inlets.lock().iter().filter(|inlet| inlet.scope.covers(namespace)) {
            let Some(known) = inlet.index.observe_live(namespace, pod_uid, record.clone()) else { continue };
            if known.heard == Heard::News {
                // The receiver is gone only when the operator stops.
                inlet.triggers.unbounded_send(known.workload).ok();
            }
            return Some(Delivery { heard: known.heard, terminating: known.terminating });
        }
        None
    }

    fn now_serves(&self, endpoint: LiveEndpoint) {
        let address = endpoint.address.clone();
        let changed = {
            let mut serving = self.serving.lock();
            let changed = serving.as_ref().is_none_or(|(known, _)| *known != endpoint);
            let since = serving.as_ref().map_or_else(Timestamp::now, |(_, service)| service.since);
            *serving = Some((endpoint, LiveService { since, address }));
            changed
        };
        self.tried.send_replace(true);
        if changed {
            self.look_at_all();
        }
    }

    /// Has every workload looked at: its Pods are to be told.
    fn look_at_all(&self) {
        for inlet in &*self.inlets.lock() {
            for NamedOwner { namespace, name, .. } in inlet.index.owners() {
                inlet.triggers.unbounded_send(ObjectRef::new(&name).within(&namespace)).ok();
            }
        }
    }

    fn serves_no_more(&self) {
        *self.serving.lock() = None;
        self.tried.send_replace(true);
    }
}
