//! The account book: each hook run and each kill counted exactly once.
//!
//! The ledger is a part of the workload's status. Totals and marks change in one conditional write, so a run is counted
//! if and only if it is marked as counted; whatever happens between two writes is found again and counted then.

mod fold;
mod gate;
mod histogram;
mod last_run;
mod marks;
mod operator;
mod others;
mod ranges;
mod sizes;
mod store;
#[cfg(test)]
mod tests;
mod unrunnable;
mod word;

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, KillReason, Outcome, Source};
use jiff::Timestamp;

pub use crate::lifecycle::{Mark, PodMarks};
pub use fold::{Counted, fold};
pub use gate::{Gate, GateFailure, GateRule};
pub use histogram::{DURATION_BUCKETS, Distribution, GRACE_BUCKETS, Histogram};
pub use last_run::LastRun;
pub use marks::{Marks, Youngest};
pub use operator::{operator_of, taken_over};
pub use sizes::{Sizes, Total};
pub use store::{LedgerError, unrunnable_revisions};
pub use unrunnable::Unrunnable;

/// The account book of one workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// The operator that counts, by the namespace that it runs in; none before the first commit of one that says so.
    pub operator: Option<Arc<str>>,
    /// The highest number that a Pod may be given, by the operator whose commit has reserved it; a later operator gives
    /// higher ones.
    pub high_water: u64,
    /// How many Pods each revision is to have; none before that was first decided.
    pub sizes: Option<Sizes>,
    /// Runs counted.
    pub runs: BTreeMap<RunKey, u64>,
    /// Kills counted.
    pub kills: BTreeMap<KillKey, KillCount>,
    /// Durations counted, in seconds.
    pub durations: BTreeMap<DurationKey, Distribution>,
    /// Shares of the grace period that stops used, per container.
    pub grace_used: BTreeMap<Arc<str>, Distribution>,
    /// The last run of each hook of each container that says anything about its health.
    pub last: BTreeMap<(Arc<str>, HookKind), LastRun>,
    /// What of the present Pods is counted.
    pub marks: Marks,
    /// When the rollout last made progress.
    pub progressed_at: Option<Timestamp>,
    /// The text of a template that means the Pods of a stored revision, as the API server has said.
    pub alias: Option<Alias>,
    /// The gate of the rollout that goes on, if the workload asks for one.
    pub gate: Option<Gate>,
    /// The revisions in whose Pods the hook-runner cannot run.
    pub unrunnable: BTreeMap<Arc<str>, Unrunnable>,
    /// What only a newer operator knows of: it is written back as it was read, so that the newer one may come back.
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

/// Another text for a revision that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The fingerprint of what is written.
    pub data: u64,
    /// The revision whose Pods it means.
    pub revision: Arc<str>,
}

/// What runs are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey {
    /// The container's name.
    pub container: Arc<str>,
    /// Which hook.
    pub hook: HookKind,
    /// What it does.
    pub handler: HandlerKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Who says so.
    pub source: Source,
}

/// What durations are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DurationKey {
    /// The container's name.
    pub container: Arc<str>,
    /// Which hook.
    pub hook: HookKind,
    /// What it does.
    pub handler: HandlerKind,
    /// Who says so.
    pub source: Source,
}

/// What kills are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KillKey {
    /// The container's name.
    pub container: Arc<str>,
    /// The first cause.
    pub reason: KillReason,
}

/// Kills of one container for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KillCount {
    /// How many.
    pub count: u64,
    /// When the last container ended.
    pub last_time: Option<Timestamp>,
    /// The last one's Pod.
    pub last_pod: Arc<str>,
}

impl KillCount {
    /// Adds kills of the same container for the same reason.
    fn add(&mut self, more: Self) {
        self.count += more.count;
        if more.last_time >= self.last_time {
            (self.last_time, self.last_pod) = (more.last_time, more.last_pod);
        }
    }
}
