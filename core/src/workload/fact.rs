//! What we remember of a Pod: little, since there may be 100,000 of them.

use std::sync::Arc;

use crate::lifecycle::{LiveEndpoint, ObservedPod};

/// Where a Pod is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// It is wanted and has not ended.
    Alive,
    /// Its deletion was asked for.
    Terminating,
    /// It has ended (phase Succeeded or Failed) and nobody asked for its deletion.
    Ended,
}

/// What we remember of a Pod.
#[allow(clippy::struct_excessive_bools, reason = "flags that are independent of each other")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFact {
    /// Its number within its workload.
    pub ordinal: u64,
    /// Its name.
    pub name: Arc<str>,
    /// Its UID; empty while we do not know whether our create was carried out.
    pub uid: Arc<str>,
    /// The hash of the template it was made from.
    pub revision: Arc<str>,
    /// Where it is in its life.
    pub life: Life,
    /// Whether it is bound to a node: only then can anything have run in it.
    pub bound: bool,
    /// Second since which it is ready, if it is.
    pub ready_since: Option<i64>,
    /// Whether our finalizer holds it.
    pub has_finalizer: bool,
    /// Whether it can run nothing any more: its phase is Succeeded or Failed.
    pub over: bool,
    /// The fingerprint of the endpoint at which its runners reach the operator, if they do.
    pub live: Option<u64>,
    /// Whether the watch has shown it; false for an own create that it has not shown yet.
    pub seen: bool,
}

impl PodFact {
    /// What is worth remembering of `report`.
    pub fn of(report: &ObservedPod) -> Self {
        let over = matches!(report.status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let life = match (report.deletion_timestamp, over) {
            (Some(_), _) => Life::Terminating,
            (None, true) => Life::Ended,
            (None, false) => Life::Alive,
        };
        Self {
            ordinal: report.ordinal,
            name: report.name.as_str().into(),
            uid: report.uid.as_str().into(),
            revision: report.revision.as_str().into(),
            life,
            bound: report.spec.node_name.is_some(),
            ready_since: report.status.true_since("Ready").map(jiff::Timestamp::as_second),
            has_finalizer: report.has_finalizer,
            over,
            live: report.live.as_ref().map(LiveEndpoint::fingerprint),
            seen: true,
        }
    }

    /// A Pod that we have asked for and not seen yet. `uid` is empty while the reply is lost.
    pub fn unseen(ordinal: u64, name: &str, uid: &str, revision: &str, has_finalizer: bool) -> Self {
        Self {
            ordinal,
            name: name.into(),
            uid: uid.into(),
            revision: revision.into(),
            life: Life::Alive,
            bound: false,
            ready_since: None,
            has_finalizer,
            over: false,
            live: None,
            seen: false,
        }
    }
}
