//! What is listed of a workload.

use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use super::attention::{Attention, attention};
use crate::pods::wanted;

/// A workload.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) attention: Attention,
    /// Why, in one word, and in words.
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) desired: i32,
    pub(super) ready: i32,
    pub(super) updated: i32,
    pub(super) available: i32,
    pub(super) hooks_failed: i64,
    pub(super) kills: i64,
    pub(super) last_hook: Option<String>,
    pub(super) created: Option<Timestamp>,
}

impl Row {
    /// What is listed of this workload.
    pub(super) fn of(workload: &HookedWorkload) -> Self {
        let status = workload.status.clone().unwrap_or_default();
        let (attention, reason, message) = attention(workload);
        let totals = status.hook_totals;
        Self {
            namespace: workload.namespace().unwrap_or_default(),
            name: workload.name_any(),
            attention,
            reason,
            message,
            desired: wanted(workload),
            ready: status.ready_replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            hooks_failed: totals.failed + totals.timed_out,
            kills: totals.kills,
            last_hook: status.last_hook,
            created: workload.creation_timestamp().map(|time| time.0),
        }
    }
}

/// What needs attention first; of equals by their names.
pub(super) fn sort(rows: &mut [Row]) {
    fn by(row: &Row) -> (Attention, &str, &str) {
        (row.attention, &row.namespace, &row.name)
    }
    rows.sort_by(|one, other| by(one).cmp(&by(other)));
}
