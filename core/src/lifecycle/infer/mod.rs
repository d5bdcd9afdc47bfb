//! From the evidence of one Pod to the runs and kills that are not counted yet.

mod bind;
mod case;
mod findings;
mod lost;
mod overdue;
mod patience;
mod running;
mod settle;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Closed, ContainerEvidence, PodEvidence};
use super::mark::PodMarks;
use super::run::{Finding, Findings, Slot};
use case::Case;

use crate::mutation::{Mutation, mutated};

pub(super) use bind::{Bound, bind};
pub use patience::Patience;

/// How long after the grace period a kubelet may be silent before its Pod is given up.
pub(crate) const SILENCE: SignedDuration = SignedDuration::from_secs(60);

/// What `evidence` shows at `now` beyond what is `counted`.
pub fn infer(evidence: &PodEvidence, counted: &PodMarks, patience: Patience, now: Timestamp) -> Findings {
    let silent_at = silent_at(evidence);
    let evidence = closed_by_silence(evidence, silent_at.is_some_and(|at| at <= now));
    let evidence = &*evidence;
    let mut findings = Findings { complete: true, closed: evidence.closed.is_some(), ..Findings::default() };
    for (name, shape) in &evidence.shape.containers {
        let unobserved = ContainerEvidence::default();
        let container = evidence.containers.get(name).unwrap_or(&unobserved);
        let Bound { container, begun } = bind(container, name, shape, evidence.stop.is_some());
        let (container, counted) = (&*container, counted.of(name));
        if let Some(anew) = container.numbered.and_then(|numbered| numbered.anew)
            && counted.anew != Some(anew)
        {
            findings.settled.push(Finding::Anew { container: Arc::clone(name), anew });
        }
        let case = Case { evidence, name, shape, container, begun, counted, patience, now };
        // The kill of an instance may follow from its postStart run: whoever counts one has counted the
        // other, or does so in the same commit. An operator that follows may no longer be shown what both
        // follow from.
        let unsettled = case.settle(Slot::PostStart, None, &mut findings);
        case.settle(Slot::End, unsettled, &mut findings);
        findings.running.extend(case.running());
    }
    let waits = evidence.closed.is_none() && (evidence.stop.is_some() || !findings.running.is_empty());
    findings.complete &= !waits && findings.settled.is_empty();
    if evidence.closed.is_none() {
        findings.wake_at(silent_at);
    }
    findings
}

/// When a kubelet that does not report the end of its Pod is given up.
fn silent_at(evidence: &PodEvidence) -> Option<Timestamp> {
    let deadline = Timestamp::from_second(evidence.stop?.deadline()).ok()?;
    deadline.checked_add(SILENCE).ok()
}

/// The evidence of a Pod, closed if its kubelet has been `silent` for too long.
fn closed_by_silence(evidence: &PodEvidence, silent: bool) -> Cow<'_, PodEvidence> {
    if evidence.closed.is_some() || !silent || mutated(Mutation::SilentKubeletAwaited) {
        return Cow::Borrowed(evidence);
    }
    Cow::Owned(PodEvidence { closed: Some(Closed::Silent), ..evidence.clone() })
}
