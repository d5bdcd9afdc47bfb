//! What is known of hooks and not counted yet, Pod by Pod, and when to look at it.
//!
//! A Pod is known here by its number alone: what it is asked to be, and by whom, is no matter of accounting. A watch
//! event touches one Pod and costs the logarithm of their number.

mod reports;
mod running;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hooked_protocol::Record;
use jiff::Timestamp;

use crate::lifecycle::evidence::{Closed, Common, Kept, PodEvidence};
use crate::lifecycle::{HookRun, PodMarks};
use crate::mutation::{Mutation, mutated};

pub use reports::{Heard, ReportTimes};
pub use running::{RunningHooks, RunningTally};

/// The evidence of one workload's Pods.
#[derive(Debug, Default)]
pub struct Tracker {
    /// Pods of whose evidence something is not counted yet, or may still come.
    evidence: BTreeMap<u64, Kept>,
    common: Common,
    /// When to look at the evidence of which Pod.
    agenda: BTreeSet<(Timestamp, u64)>,
    agenda_of: BTreeMap<u64, Timestamp>,
    /// Pods of which everything is counted, as the last acknowledged commit says, and of which nothing more can come.
    accounted: BTreeSet<u64>,
    /// Pods that are gone, and of which something is not counted yet.
    gone: BTreeSet<u64>,
    running: RunningHooks,
    reports: ReportTimes,
}

impl Tracker {
    /// Takes in what the watch's sight of a Pod is evidence of.
    pub fn observe(&mut self, number: u64, evidence: PodEvidence, now: Timestamp) {
        // A kubelet that was given up for silent may speak again: not everything is counted before that is looked at.
        self.accounted.remove(&number);
        self.gone.remove(&number);
        let is_news = self.change(number, |known| known.see(evidence));
        // A complete list shows all Pods again: of those that are at rest, nothing is to be found that was not.
        if is_news || self.agenda_of.contains_key(&number) {
            self.look_again(number, Some(now));
        }
    }

    /// Takes in what an Event says of a Pod. Where everything is counted and nothing more can come, it adds nothing.
    pub fn observe_event(&mut self, number: u64, evidence: PodEvidence, now: Timestamp) {
        if self.accounted.contains(&number) {
            return;
        }
        self.change(number, |known| known.merge(evidence));
        self.look_again(number, Some(now));
    }

    /// Takes in what the runner of a Pod has reported of a run.
    pub fn observe_live(&mut self, number: u64, uid: &str, record: Record, now: Timestamp) -> Heard {
        let Some(evidence) = self.evidence(number).filter(|evidence| &*evidence.uid == uid) else {
            return Heard::Foreign;
        };
        let shape = evidence.shape.containers.get(record.container.as_str());
        let hook = shape.and_then(|shape| shape.hooks[record.hook]);
        if hook.is_none_or(|hook| !hook.live) {
            return Heard::Foreign;
        }
        let known = evidence.containers.get(record.container.as_str());
        if known.is_some_and(|container| !container.live.is_news(&record)) {
            return Heard::Known;
        }
        drop(evidence);
        let began = i64::try_from(record.start / 1_000_000).ok();
        self.reports.reported = self.reports.reported.max(began);
        let container = record.container.clone();
        self.change(number, |known| known.merge(PodEvidence::of_live(&container, record)));
        self.look_again(number, Some(now));
        Heard::News
    }

    /// Numbers the instances of a Pod that still bear the kubelet's numbers: see [`PodEvidence::number`].
    pub fn number(&mut self, number: u64, marks: &PodMarks, youngest_start: Option<i64>) {
        if self.evidence.get(&number).is_some_and(|kept| !kept.is_numbered()) {
            self.change(number, |known| known.number(marks, youngest_start));
        }
    }

    /// Notes that a run which began then was counted without a live report of it, though one should have come.
    pub fn missed_report(&mut self, began: i64) {
        self.reports.missed = self.reports.missed.max(Some(began));
    }

    /// The Pod is gone from the API. What of it is not counted yet is counted from what is known.
    pub fn observe_gone(&mut self, number: u64, now: Timestamp) {
        if mutated(Mutation::GonePodsUncounted) {
            return self.forget(number);
        }
        self.accounted.remove(&number);
        if self.evidence.contains_key(&number) {
            self.change(number, |known| known.closed = known.closed.or(Some(Closed::Gone)));
            self.gone.insert(number);
            self.look_again(number, Some(now));
        }
    }

    /// The Pod is no longer one of ours, and lives on: nothing can be said of it any more.
    pub fn forget(&mut self, number: u64) {
        self.evidence.remove(&number);
        self.accounted.remove(&number);
        self.gone.remove(&number);
        self.found(number, Vec::new(), None);
    }

    /// Replaces what was found running in a Pod and says when to look at the Pod again.
    pub fn found(&mut self, number: u64, running: Vec<HookRun>, due: Option<Timestamp>) {
        self.running.replace(number, running);
        self.look_again(number, due);
    }

    /// Everything of a Pod is counted. Of its evidence what the present instances are is kept: an Event that comes
    /// later must find them. If nothing more can come of the Pod, the evidence goes, and so may the Pod.
    pub fn settled(&mut self, number: u64, closed: bool) {
        self.found(number, Vec::new(), None);
        if closed {
            self.evidence.remove(&number);
            // Of a Pod that is gone nothing waits: nobody would ever forget its number.
            if !self.gone.remove(&number) {
                self.accounted.insert(number);
            }
        } else if self.evidence.contains_key(&number) {
            self.change(number, PodEvidence::prune);
        }
    }

    /// Looks at a Pod again at `at`, and not before.
    pub fn look_again(&mut self, number: u64, at: Option<Timestamp>) {
        if let Some(earlier) = self.agenda_of.remove(&number) {
            self.agenda.remove(&(earlier, number));
        }
        if let Some(at) = at {
            self.agenda.insert((at, number));
            self.agenda_of.insert(number, at);
        }
    }

    /// Changes what is known of a Pod, and says whether that has changed it, as far as that is easily told.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut PodEvidence)) -> bool {
        let (before, mut evidence) = match self.evidence.remove(&number) {
            Some(Kept::Whole(evidence)) => (None, *evidence),
            Some(plain) => {
                let evidence = plain.evidence().into_owned();
                (Some(plain), evidence)
            }
            None => (None, PodEvidence::default()),
        };
        change(&mut evidence);
        let after = Kept::of(evidence, &mut self.common);
        let is_changed = before.is_none_or(|before| before != after);
        self.evidence.insert(number, after);
        is_changed
    }
}

/// What decisions read.
impl Tracker {
    /// Whether nothing is left to count.
    pub fn is_empty(&self) -> bool {
        self.evidence.is_empty()
    }

    /// Whether there is evidence of a Pod with a number in that range.
    pub fn any_in(&self, first: u64, last: u64) -> bool {
        self.evidence.range(first..=last).next().is_some()
    }

    /// What is known of a Pod and not counted yet.
    pub fn evidence(&self, number: u64) -> Option<Cow<'_, PodEvidence>> {
        self.evidence.get(&number).map(Kept::evidence)
    }

    /// The last second in which an instance of any Pod was started, as far as is known.
    pub fn youngest_start(&self) -> Option<i64> {
        self.evidence.values().filter_map(Kept::youngest_start).max()
    }

    /// The highest number of which there is evidence; 0 if there is none.
    pub fn highest_number(&self) -> u64 {
        self.evidence.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Pods of which everything is counted and nothing more can come: our finalizer need not be on them any longer.
    pub fn accounted(&self) -> impl Iterator<Item = u64> + '_ {
        self.accounted.iter().copied()
    }

    /// Whether everything of that Pod is counted and nothing more can come.
    pub fn is_accounted(&self, number: u64) -> bool {
        self.accounted.contains(&number)
    }

    /// Pods whose evidence is to be looked at by `now`.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = u64> + '_ {
        self.agenda.range(..=(now, u64::MAX)).map(|(_, number)| *number)
    }

    /// When the next evidence is to be looked at.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Hooks running now.
    pub fn running(&self) -> &RunningHooks {
        &self.running
    }

    /// When live reports came and when they did not.
    pub fn report_times(&self) -> ReportTimes {
        self.reports
    }
}
