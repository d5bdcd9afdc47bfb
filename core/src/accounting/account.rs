//! One pass of accounting: whatever is due is inferred, and what is settled is counted.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Tracker;
use super::ledger::{Counted, Ledger, fold};
use super::unreported::unreported;
use crate::lifecycle::infer::{Patience, infer};
use crate::mutation::{Mutation, mutated};

/// What is counted on top of what is committed. Nothing of it is true before its ledger is committed.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The ledger to commit.
    pub ledger: Ledger,
    /// What the ledger counts that the committed one does not.
    pub counted: Counted,
    /// The Pods of which it counts something.
    pods: BTreeSet<u64>,
}

impl Account {
    /// Nothing is counted yet on top of `committed`.
    pub fn on(committed: Ledger) -> Self {
        Self { ledger: committed, ..Self::default() }
    }

    /// Infers from the evidence that is due and counts what is settled.
    pub fn count(&mut self, tracker: &mut Tracker, now: Timestamp) {
        let due: Vec<u64> = tracker.due(now).collect();
        for number in due {
            self.count_pod(tracker, number, now);
        }
    }

    fn count_pod(&mut self, tracker: &mut Tracker, number: u64, now: Timestamp) {
        let mut marks = self.ledger.marks.get(number);
        tracker.number(number, &marks, self.ledger.marks.youngest().started);
        let Some(evidence) = tracker.evidence(number) else { return tracker.look_again(number, None) };
        if mutated(Mutation::CountsMarkedRuns) {
            marks = crate::lifecycle::PodMarks::default();
        }
        let findings = infer(&evidence, &marks, Patience::Settle, now);
        let unreported: Vec<i64> =
            findings.settled.iter().filter_map(|finding| unreported(&evidence, finding)).collect();
        let is_counted = !findings.settled.is_empty();
        if is_counted {
            fold(&mut self.ledger, number, &evidence, findings.settled, &mut self.counted);
            self.pods.insert(number);
        }
        drop(evidence);
        for began in unreported {
            tracker.missed_report(began);
        }
        if is_counted {
            // What else there is to the Pod is looked at once this is committed.
            tracker.found(number, findings.running, findings.due);
        } else if findings.complete && !self.pods.contains(&number) {
            tracker.settled(number, findings.closed);
        } else {
            tracker.found(number, findings.running, findings.due);
        }
    }

    /// The ledger is committed: Pods of which everything is counted now are said to be so. What has come of them since
    /// is counted by the next pass. Returns what was counted.
    pub fn acknowledge(self, tracker: &mut Tracker, now: Timestamp) -> Counted {
        for number in self.pods {
            let Some(evidence) = tracker.evidence(number) else { continue };
            let findings = infer(&evidence, &self.ledger.marks.get(number), Patience::Settle, now);
            drop(evidence);
            if !findings.settled.is_empty() {
                tracker.look_again(number, Some(now));
            } else if findings.complete {
                tracker.settled(number, findings.closed);
            } else {
                tracker.found(number, findings.running, findings.due);
            }
        }
        self.counted
    }

    /// The ledger was not committed: its Pods are looked at again.
    pub fn discard(self, tracker: &mut Tracker, now: Timestamp) {
        for number in self.pods {
            tracker.look_again(number, Some(now));
        }
    }
}
