//! What metrics show of a workload: a projection of what was committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_crd::HookKind;
use jiff::Timestamp;

use super::measured::shortfalls;
use super::{Basis, HooksBasis, ReplicaCounts, WatchedBasis, gate, unused};
use crate::accounting::RunningTally;
use crate::accounting::ledger::{DurationKey, Histogram, KillKey, RunKey};
use crate::workload::revision::Measuring;

/// What was committed of a workload, as far as metrics show it.
#[allow(clippy::struct_excessive_bools, reason = "series that are independent of each other")]
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How many Pods there are in which state.
    pub counts: ReplicaCounts,
    /// Runs counted.
    pub runs: BTreeMap<RunKey, u64>,
    /// How long they took, in seconds.
    pub durations: BTreeMap<DurationKey, Histogram>,
    /// Kills counted.
    pub kills: BTreeMap<KillKey, u64>,
    /// Shares of the grace period that stops used, per container.
    pub grace_used: BTreeMap<Arc<str>, Histogram>,
    /// Hooks that run now.
    pub running: BTreeMap<(Arc<str>, HookKind), Running>,
    /// When the evidence of the workload's hooks is to be looked at again; in the past if that is late.
    pub due: Option<Timestamp>,
    /// Whether the workload cannot be carried out until it is changed.
    pub invalid: bool,
    /// Whether the gate of the rollout is closed.
    pub gate_closed: bool,
    /// Whether something that `spec.hooks` asks for is not in force.
    pub unmeasured: bool,
    /// Whether Pods cannot be created, deleted or changed.
    pub failing: bool,
}

/// Runs of a hook that go on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Running {
    /// How many.
    pub count: i64,
    /// When the one that goes on for longest began, if that is known.
    pub oldest_start: Option<Timestamp>,
}

impl Series {
    /// What the ledger has counted, and 0 of what can happen to the template and has not. A workload that is `invalid`
    /// is looked at all the same: the hooks of its Pods go on and are counted.
    pub fn of(basis: &Basis<'_>, invalid: bool) -> Self {
        Self {
            counts: ReplicaCounts::of(basis.desired, basis.replicas, basis.now),
            invalid,
            gate_closed: gate::closed(basis).is_some(),
            unmeasured: !shortfalls(basis).is_empty(),
            failing: basis.failure.is_some(),
            ..Self::of_hooks(basis.hooks(), basis.measuring)
        }
    }

    /// The same of a workload whose Pods others make.
    pub fn of_watched(basis: &WatchedBasis<'_>, invalid: bool) -> Self {
        Self {
            counts: basis.counts(),
            invalid,
            unmeasured: basis.asks_for_more,
            ..Self::of_hooks(basis.hooks, &Measuring::Observed)
        }
    }

    fn of_hooks(basis: HooksBasis<'_>, measuring: &Measuring) -> Self {
        let HooksBasis { shape, tracker, ledger, .. } = basis;
        let mut running: BTreeMap<_, _> =
            unused::running(shape).map(|hook| (hook, Running::default())).collect();
        let by_hook = tracker.running().by_hook().iter();
        running.extend(by_hook.map(|(hook, tally)| (hook.clone(), Running::of(tally))));
        let mut runs = unused::runs(shape, measuring);
        runs.extend(ledger.runs.iter().map(|(key, count)| (key.clone(), *count)));
        let mut kills = unused::kills(shape);
        kills.extend(ledger.kills.iter().map(|(key, kills)| (key.clone(), kills.count)));
        let mut grace_used = unused::grace_used(shape);
        let known = ledger.grace_used.iter();
        grace_used.extend(known.map(|(name, known)| (Arc::clone(name), known.histogram.clone())));
        let mut durations = unused::durations(shape, measuring);
        durations.extend(ledger.durations.iter().map(|(key, known)| (key.clone(), known.histogram.clone())));
        Self { runs, durations, kills, grace_used, running, due: tracker.next_due(), ..Self::default() }
    }

    /// Nobody looks at the workload until it is changed. Moments would be taken for present ones, so they go. `failing`
    /// says whether a Pod is there that cannot be let go or deleted.
    pub fn set_invalid(&mut self, failing: bool) {
        (self.invalid, self.failing, self.due) = (true, failing, None);
        for running in self.running.values_mut() {
            running.oldest_start = None;
        }
    }
}

impl Running {
    fn of(tally: &RunningTally) -> Self {
        Self { count: tally.count(), oldest_start: tally.oldest_start() }
    }
}
