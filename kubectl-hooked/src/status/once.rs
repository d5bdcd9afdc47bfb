//! `status`, once: a workload and its Pods as they are now.

use std::collections::BTreeMap;

use hooked_core::lifecycle::controlling_workload;
use hooked_core::names;
use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::ListParams;

use super::error::StatusError;
use super::tree;
use crate::arguments::{Format, StatusOptions};
use crate::connect::Connection;
use crate::overview::{Choice, Overview, PodRow, overview};
use crate::pods::{PodObject, pods};
use crate::print::{Screen, document};
use crate::request::{Asked, Request, RequestError};
use crate::workloads::get;

/// Pods that one reply holds. A Pod takes some 10 KiB.
const PAGE: u32 = 500;

/// Shows the workload as it is now.
pub(super) async fn show_once(
    connection: &Connection,
    options: &StatusOptions,
    screen: &Screen,
) -> Result<(), StatusError> {
    let workload = get(connection, &options.name).await?;
    let pods = list_pods(connection, &workload).await?;
    let overview = overview(&workload, pods.values(), choice(options));
    show(&overview, options.output, screen)
}

/// Shows what was made of it.
pub(super) fn show(overview: &Overview, output: Option<Format>, screen: &Screen) -> Result<(), StatusError> {
    match output {
        Some(format) => Ok(document(overview, format)?),
        None => Ok(screen.show(&tree::lines(overview, screen.width, Timestamp::now()))?),
    }
}

/// What of it is shown.
pub(super) fn choice(options: &StatusOptions) -> Choice {
    let limit = (!options.all).then_some(options.limit);
    Choice { limit, show_output: options.show_output }
}

/// The Pods of a workload by UID, of which only what is shown is kept: there may be 10,000.
async fn list_pods(
    connection: &Connection,
    workload: &HookedWorkload,
) -> Result<BTreeMap<String, PodRow>, RequestError> {
    let request = Request { verb: "list", asked: Asked::Pod, name: "", namespace: &connection.namespace };
    let mut parameters = ListParams::default().labels(&selector(workload)).limit(PAGE);
    let mut rows = BTreeMap::new();
    loop {
        let page = pods(connection).list(&parameters).await.map_err(|error| request.failed(&error))?;
        let now = Timestamp::now();
        let ours = page.items.iter().filter(|pod| is_of(pod, workload));
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

/// Whether a Pod is one of the workload's.
pub(super) fn is_of(pod: &PodObject, workload: &HookedWorkload) -> bool {
    let owner = controlling_workload(&pod.metadata);
    owner.is_some_and(|owner| workload.metadata.uid.as_ref() == Some(&owner.uid))
}
