//! One pass of accounting: whatever is due is inferred, and what is settled is counted.

use hooked_crd::{Outcome, Source};
use jiff::Timestamp;

use crate::accounting::ledger::{Counted, Ledger, fold};
use crate::lifecycle::Finding;
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::infer::{Patience, infer};
use crate::workload::tally::PodSet;

/// What a pass of accounting has come to. Nothing of it is true before `ledger` is committed.
#[derive(Debug)]
pub struct Account {
    /// The ledger to commit.
    pub ledger: Ledger,
    /// What it counts that the committed one did not.
    pub counted: Counted,
}

/// Infers from the evidence that is due and counts what is settled, on top of what is committed.
///
/// Pods with something to count stay due until a commit shows it as counted, so a commit that fails loses nothing and
/// one whose reply is lost counts nothing twice.
pub fn account(pods: &mut PodSet, committed: &Ledger, now: Timestamp) -> Account {
    let mut ledger = committed.clone();
    let mut counted = Counted::default();
    let due: Vec<u64> = pods.due(now).map(|(ordinal, _)| ordinal).collect();
    for ordinal in due {
        let Some(evidence) = pods.evidence(ordinal) else { continue };
        let findings = infer(evidence, &committed.marks.get(ordinal), Patience::Settle, now);
        let unheard: Vec<i64> =
            findings.settled.iter().filter_map(|finding| unheard(evidence, finding)).collect();
        for began in unheard {
            pods.missed_live(began);
        }
        if !findings.settled.is_empty() {
            fold(&mut ledger, ordinal, findings.settled, &mut counted);
            pods.inferred(ordinal, findings.running, Some(now));
        } else if findings.complete {
            pods.settled(ordinal, findings.closed);
        } else {
            pods.inferred(ordinal, findings.running, findings.due);
        }
    }
    ledger.high_water = ledger.high_water.max(pods.highest_ordinal());
    ledger.marks.compact(|first, last| pods.any_in(first, last));
    Account { ledger, counted }
}

/// The second in which a run began that its runner should have told of while it ran, and has not.
fn unheard(evidence: &PodEvidence, finding: &Finding) -> Option<i64> {
    let Finding::PostStart { container, run, .. } = finding else { return None };
    let hook = evidence.shape.containers.get(container)?.hooks.post_start?;
    let seen_running = (run.outcome, run.source) == (Outcome::Succeeded, Source::Kubelet);
    run.start_time.filter(|_| hook.live && seen_running).map(Timestamp::as_second)
}
