//! The gate of a rollout: how often hooks of the revision that is rolled out have failed, and whether that is too
//! often.
//!
//! The count stands in the ledger, so it changes in the very commit that counts the runs: the gate is closed with the
//! run that is one too many, and no run is counted twice.

use std::sync::Arc;

use hooked_crd::{GateAction, HookKind, Outcome};

use super::last_run::LastRun;
use crate::lifecycle::HookRun;
use crate::mutation::{Mutation, mutated};

/// What a workload asks of the gate of its rollouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateRule {
    /// Failures that are borne: one more closes the gate.
    pub max_failures: u32,
    /// What follows when it is closed.
    pub action: GateAction,
}

/// The gate of one rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The revision that is rolled out. Runs are booked by the revision of their Pods, whatever is asked for by then.
    pub revision: Arc<str>,
    /// What was asked of it when it was set up: another rule sets up another gate.
    pub rule: GateRule,
    /// Failures counted.
    pub failures: u32,
    /// The failure that has closed it; none while it is open.
    pub closed_by: Option<GateFailure>,
}

/// A failed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateFailure {
    /// The container's name.
    pub container: Arc<str>,
    /// Which hook.
    pub hook: HookKind,
    /// How it ended, and where.
    pub run: LastRun,
}

impl Gate {
    /// A gate that has counted nothing yet.
    pub fn new(revision: Arc<str>, rule: GateRule) -> Self {
        Self { revision, rule, failures: 0, closed_by: None }
    }

    /// Whether the rollout may go no further.
    pub fn is_closed(&self) -> bool {
        self.closed_by.is_some()
    }

    /// Counts a failure in a Pod of `revision`.
    pub(super) fn count(&mut self, revision: &str, failure: GateFailure) {
        if *self.revision != *revision && !mutated(Mutation::GateCountsEveryRevision) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.rule.max_failures && self.closed_by.is_none() {
            self.closed_by = Some(failure);
        }
    }
}

impl GateFailure {
    /// The failure that a run is, if it is one. A failure that a policy ignores is one too.
    pub(super) fn of_run(run: &HookRun) -> Option<Self> {
        matches!(run.outcome, Outcome::Failed | Outcome::TimedOut).then(|| Self {
            container: Arc::clone(&run.id.container),
            hook: run.id.hook,
            run: LastRun { outcome: run.outcome, pod: Arc::clone(&run.pod), exit_code: run.exit_code },
        })
    }
}
