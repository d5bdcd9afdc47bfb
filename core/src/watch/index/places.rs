//! Where Pods belong.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_crd::Referent;

use crate::lifecycle::PodUid;
use crate::watch::chains::Chains;

/// A workload: its namespace and UID. The namespace is a part of it, so that a Pod of one namespace can never name a
/// workload of another as its owner.
pub(super) type Key = (String, String);

/// Where a Pod belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) workload: Arc<Key>,
    /// 0 while it has none.
    pub(super) number: u64,
}

impl Place {
    /// Whether a Pod of that namespace is known there by its number.
    pub(super) fn is_in(&self, namespace: &str) -> bool {
        self.workload.0 == namespace && self.number > 0
    }
}

/// Pods that others make, in the namespaces in which they are watched.
#[derive(Debug, Default)]
pub(super) struct WatchedPods {
    pub(super) namespaces: BTreeMap<String, Namespace>,
    /// How many workloads that watch Pods have come so far, in all namespaces.
    pub(super) came: u64,
    /// Where a Pod belongs: to each workload that watches it.
    pub(super) places: BTreeMap<PodUid, Vec<Place>>,
}

/// A namespace in which Pods of others are watched.
#[derive(Debug, Default)]
pub(super) struct Namespace {
    /// What each workload watches, by its UID.
    pub(super) watchers: BTreeMap<String, Referent>,
    /// The UID of each by the annotation in which Pods bear its numbers.
    pub(super) bearing: BTreeMap<String, String>,
    /// Which of all that have come was the last that came here.
    pub(super) came: u64,
    /// Those that were there when the list began.
    pub(super) listing: Vec<String>,
    pub(super) chains: Chains,
}
