//! `status`, once: a workload and its Pods as they are now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;

use super::error::StatusError;
use super::tree;
use crate::arguments::{Format, StatusOptions};
use crate::connect::Connection;
use crate::overview::{Choice, Overview, PodRow, overview};
use crate::pods::each_of;
use crate::print::{Screen, document};
use crate::workloads::get;

/// Shows the workload as it is now.
pub(super) async fn show_once(
    connection: &Connection,
    options: &StatusOptions,
    screen: &Screen,
) -> Result<(), StatusError> {
    let workload = get(connection, &options.name).await?;
    // By UID, and of each what is shown.
    let mut pods = BTreeMap::new();
    each_of(connection, &workload, |pod| {
        pods.insert(pod.uid().unwrap_or_default(), PodRow::of(pod, Timestamp::now()));
    })
    .await?;
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
