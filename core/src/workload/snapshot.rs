//! All that a decision may look at, the time included.

use jiff::Timestamp;

use crate::accounting::ledger::Ledger;
use crate::lifecycle::LiveEndpoint;
use crate::workload::desired::Desired;
use crate::workload::tally::PodSet;
use crate::workload::template::Owner;

/// One workload at one moment.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// The workload.
    pub owner: &'a Owner,
    /// What it asks for.
    pub desired: &'a Desired,
    /// Its Pods, own writes that the watch has not shown yet included.
    pub pods: &'a PodSet,
    /// What is counted, as last committed.
    pub committed: &'a Ledger,
    /// Whether the API server takes Pods of its template. If not, it may be held at an earlier one.
    pub admitted: bool,
    /// Whether it is being deleted, and how.
    pub leaving: Option<Leaving>,
    /// Where runners reach the operator now, if they do.
    pub live: Option<&'a LiveEndpoint>,
    /// The time.
    pub now: Timestamp,
}

/// How a deleted workload leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Its Pods are stopped, their hooks counted, and then it goes.
    WithPods,
    /// `--cascade=orphan`: its Pods lose finalizer and owner and live on.
    WithoutPods,
}
