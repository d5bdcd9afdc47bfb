//! What is said of a rollout whose gate is closed.

use super::basis::Basis;
use super::ending::how_it_ended;
use crate::accounting::ledger::GateFailure;
use crate::names::OPEN_GATE_ANNOTATION;
use crate::workload::rollout::Rollout;
use crate::workload::target::{Target, Why};

/// Why the rollout stands still or goes back, and what opens the gate; none while the gate stops nothing.
pub(super) fn closed(basis: &Basis<'_>) -> Option<String> {
    let gate = basis.ledger.gate.as_ref()?;
    let GateFailure { container, hook, run } = gate.closed_by.as_ref()?;
    let what_follows = match basis.target {
        Target::Hold { why: Why::Gated, .. } => "the rollout has stopped".to_owned(),
        Target::Roll { to } if *to != gate.revision && basis.rollout == Rollout::Held => {
            format!("the Pods are back at revision {to}")
        }
        Target::Roll { to } if *to != gate.revision => format!("the Pods are rolled back to revision {to}"),
        Target::Roll { .. } | Target::Hold { .. } => return None,
    };
    let how = how_it_ended(run.outcome, run.exit_code);
    let revision = &gate.revision;
    Some(format!(
        "hooks of revision {revision} have failed {} times, and spec.hooks.rolloutGate.maxFailures is {}: {hook:?} of \
         container {container} in Pod {} {how}; {what_follows}. Change spec.template or spec.hooks.rolloutGate, or let \
         the revision through by the annotation {OPEN_GATE_ANNOTATION}: {revision}",
        gate.failures, gate.rule.max_failures, run.pod
    ))
}
