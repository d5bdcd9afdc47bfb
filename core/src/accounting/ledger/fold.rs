//! Counting: findings in, a new ledger out.

use std::sync::Arc;

use hooked_crd::{HandlerKind, Outcome, Source};

use super::{
    DURATION_BUCKETS, DurationKey, GRACE_BUCKETS, GateFailure, KillKey, LastRun, Ledger, RunKey, Youngest,
};
use crate::lifecycle::evidence::PodEvidence;
use crate::lifecycle::{Finding, HookRun, HookRunId, Interval, Kill, LateDuration, Slot};
use crate::mutation::{Mutation, mutated};

/// What a fold has counted, for status, Events and metrics once it is committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// Runs, in order.
    pub runs: Vec<HookRun>,
    /// Kills, in order.
    pub kills: Vec<Kill>,
    /// Durations of runs that were counted before.
    pub late_durations: Vec<LateDuration>,
    /// Runs of which nothing but their number is known.
    pub lost: u64,
}

impl Counted {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.kills.is_empty() && self.late_durations.is_empty() && self.lost == 0
    }
}

/// Counts the findings of the Pod with `number`, of which `pod` is known, into `ledger`, and marks them as counted.
pub fn fold(
    ledger: &mut Ledger,
    number: u64,
    pod: &PodEvidence,
    findings: Vec<Finding>,
    counted: &mut Counted,
) {
    let revision = &*pod.revision;
    let mut marks = ledger.marks.get(number);
    for finding in findings {
        match finding {
            Finding::PostStart { container, instance, run } => {
                if marks.of(&container).post_start < instance || mutated(Mutation::CountsMarkedRuns) {
                    ledger.count_run(&run);
                    ledger.count_failure(revision, GateFailure::of_run(&run));
                    if (run.outcome, run.source) == (Outcome::Succeeded, Source::Kubelet) {
                        marks.saw_running(&container, instance);
                    }
                    counted.runs.push(run);
                }
                marks.advance(&container, Slot::PostStart, instance);
                if mutated(Mutation::StartMarksEnd) {
                    marks.advance(&container, Slot::End, instance);
                }
            }
            Finding::End {
                container,
                instance,
                pre_stops_before,
                pre_stop,
                kill,
                late_duration,
                grace_used,
            } => {
                if marks.of(&container).end < instance || mutated(Mutation::CountsMarkedRuns) {
                    ledger.count_measures(&container, grace_used, late_duration, counted);
                    ledger.count_before(revision, pre_stops_before, counted);
                    ledger.count_failure(revision, pre_stop.as_ref().and_then(GateFailure::of_run));
                    ledger.count_end(pre_stop, kill, counted);
                }
                marks.advance(&container, Slot::End, instance);
            }
            Finding::Lost { container, slot, first, last, handler } => {
                let first = first.max(marks.of(&container).of(slot) + 1);
                if let (Some(handler), true) = (handler, first <= last) {
                    let runs = u64::from(last - first) + 1;
                    ledger.count_lost(&container, slot, handler, runs);
                    counted.lost += runs;
                }
                marks.advance(&container, slot, last);
            }
            Finding::Anew { container, anew } => marks.count_anew(&container, anew),
        }
    }
    ledger.marks.set(number, marks, Youngest { created: pod.created, started: pod.youngest_start() });
}

impl Ledger {
    fn count_failure(&mut self, revision: &str, failure: Option<GateFailure>) {
        if let (Some(gate), Some(failure)) = (&mut self.gate, failure) {
            gate.count(revision, failure);
        }
    }

    fn count_run(&mut self, run: &HookRun) {
        let container = &run.id.container;
        let (hook, handler, source) = (run.id.hook, run.handler, run.source);
        let key = RunKey { container: Arc::clone(container), hook, handler, outcome: run.outcome, source };
        *self.runs.entry(key).or_default() += 1;
        if run.outcome != Outcome::Skipped {
            let last = LastRun { outcome: run.outcome, pod: Arc::clone(&run.pod), exit_code: run.exit_code };
            self.last.insert((Arc::clone(container), hook), last);
        }
        if let Some(interval) = run.duration {
            self.count_duration(&run.id, handler, source, interval);
        }
    }

    fn count_duration(&mut self, id: &HookRunId, handler: HandlerKind, source: Source, interval: Interval) {
        let key = DurationKey { container: Arc::clone(&id.container), hook: id.hook, handler, source };
        self.durations.entry(key).or_default().observe(interval.middle().as_secs_f64(), DURATION_BUCKETS);
    }

    /// Counts what an end measures: its share of the grace period, and how long a run took that was counted before.
    fn count_measures(
        &mut self,
        container: &Arc<str>,
        grace_used: Option<f64>,
        late_duration: Option<LateDuration>,
        counted: &mut Counted,
    ) {
        if let Some(share) = grace_used {
            self.grace_used.entry(Arc::clone(container)).or_default().observe(share, GRACE_BUCKETS);
        }
        if let Some(late) = late_duration {
            self.count_duration(&late.id, late.handler, Source::Runner, late.duration);
            counted.late_durations.push(late);
        }
    }

    /// Counts executions of a hook before the last one.
    fn count_before(&mut self, revision: &str, runs: Vec<HookRun>, counted: &mut Counted) {
        for run in runs {
            self.count_failure(revision, GateFailure::of_run(&run));
            self.count_run(&run);
            counted.runs.push(run);
        }
    }

    fn count_end(&mut self, pre_stop: Option<HookRun>, kill: Option<Kill>, counted: &mut Counted) {
        if let Some(run) = pre_stop {
            self.count_run(&run);
            counted.runs.push(run);
        }
        if let Some(kill) = kill {
            let key = KillKey { container: Arc::clone(&kill.container), reason: kill.reason };
            let total = self.kills.entry(key).or_default();
            total.count += 1;
            total.last_time = kill.time.or(total.last_time);
            total.last_pod = Arc::clone(&kill.pod);
            counted.kills.push(kill);
        }
    }

    /// Counts runs of which nothing but that they were is known.
    pub(in super::super) fn count_lost(
        &mut self,
        container: &Arc<str>,
        slot: Slot,
        handler: HandlerKind,
        runs: u64,
    ) {
        let (hook, outcome, source) = (slot.hook(), Outcome::Unknown, Source::Kubelet);
        let key = RunKey { container: Arc::clone(container), hook, handler, outcome, source };
        *self.runs.entry(key).or_default() += runs;
    }
}
