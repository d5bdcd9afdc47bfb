//! The Pods of a workload.

use std::collections::BTreeMap;

use hooked_core::names;
use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::ListParams;

use crate::connect::Connection;
use crate::overview::PodRow;
use crate::pods::{owner, pods};
use crate::request::{Asked, Request, RequestError};

/// Pods that one reply holds. A Pod takes some 10 KiB.
const PAGE: u32 = 500;

/// The Pods of a workload by UID, of which only what is shown is kept: there may be 10,000.
pub(super) async fn list_pods(
    connection: &Connection,
    workload: &HookedWorkload,
) -> Result<BTreeMap<String, PodRow>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Pod, name: "", namespace: &connection.namespace };
    let mut parameters = ListParams::default().labels(&selector(workload)).limit(PAGE);
    let mut rows = BTreeMap::new();
    loop {
        let page = pods(connection).list(&parameters).await.map_err(|error| request.failed(&error))?;
        let now = Timestamp::now();
        let ours = page.items.iter().filter(|pod| is_of(owner(pod), workload));
        rows.extend(ours.map(|pod| (pod.uid().unwrap_or_default(), PodRow::of(pod, now))));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters.continue_token = Some(token),
            None => return Ok(rows),
        }
    }
}

/// Selects the workload's Pods, and few others. Until the operator has seen the workload there are none.
pub(super) fn selector(workload: &HookedWorkload) -> String {
    let selector = workload.status.as_ref().and_then(|status| status.selector.as_deref());
    let parts = selector.into_iter().filter(|selector| !selector.is_empty());
    parts.chain([names::REVISION_LABEL]).collect::<Vec<_>>().join(",")
}

/// Whether it is the workload that controls a Pod.
pub(super) fn is_of(owner: Option<(&str, &str)>, workload: &HookedWorkload) -> bool {
    owner.is_some_and(|(uid, _)| workload.metadata.uid.as_deref() == Some(uid))
}
