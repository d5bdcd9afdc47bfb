//! What came over the live channel.

use hooked_crd::HookKind;
use hooked_protocol::Record;
use jiff::Timestamp;

use super::Tracker;
use crate::lifecycle::evidence::PodEvidence;

/// What becomes of a live report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It says something that was not known.
    News,
    /// It was known.
    Known,
    /// The Pod is not there, or has no such hook that reports live.
    Foreign,
}

/// When live reports came and when they did not: seconds in which a run began, the latest of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportTimes {
    /// A run of which a report came.
    pub reported: Option<i64>,
    /// A run of which a report should have come, and none did.
    pub missed: Option<i64>,
}

/// The times of live reports of a workload's Pods.
pub(super) type Reports = ReportTimes;

impl Tracker {
    /// Takes in what the runner of a Pod has reported of a run.
    pub fn observe_live(&mut self, number: u64, uid: &str, record: Record, now: Timestamp) -> Heard {
        let Some(evidence) = self.evidence.get_mut(&number).filter(|evidence| &*evidence.uid == uid) else {
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
        let began = i64::try_from(record.start / 1_000_000).ok();
        self.reports.reported = self.reports.reported.max(began);
        let container = record.container.clone();
        evidence.merge(PodEvidence::of_live(&container, record));
        self.look_again(number, Some(now));
        Heard::News
    }

    /// Notes that a run which began then was counted without a live report of it, though one should have come.
    pub fn missed_report(&mut self, began: i64) {
        self.reports.missed = self.reports.missed.max(Some(began));
    }

    /// When live reports came and when they did not.
    pub fn report_times(&self) -> ReportTimes {
        self.reports
    }

    /// Pods in which a postStart hook runs.
    pub fn in_post_start(&self) -> impl Iterator<Item = u64> + '_ {
        let of_post_start =
            |runs: &[crate::lifecycle::HookRun]| runs.iter().any(|run| run.id.hook == HookKind::PostStart);
        self.running.by_pod().filter(move |(_, runs)| of_post_start(runs)).map(|(number, _)| number)
    }
}
