//! What is found of an instance that is settled: its runs, its kill, and what they took.

use std::sync::Arc;
use std::time::Duration;

use hooked_crd::{HookKind, Outcome, Source};
use hooked_protocol::{Exit, Record};
use jiff::Timestamp;

use super::case::{Case, second};
use crate::lifecycle::record::execution_of;
use crate::lifecycle::rules::{self, KillVerdict, View};
use crate::lifecycle::run::{Finding, HookRun, HookRunId, Interval, LateDuration, Slot};
use crate::lifecycle::shape::HookShape;

impl Case<'_> {
    /// What is counted of one slot of an instance.
    pub(super) fn finding(&self, slot: Slot, view: &View<'_>) -> Finding {
        match (slot, self.shape.hooks.post_start) {
            (Slot::PostStart, Some(hook)) => Finding::PostStart {
                container: Arc::clone(self.name),
                instance: view.number,
                run: self.post_start_run(view, hook),
            },
            (Slot::PostStart, None) | (Slot::End, _) => self.end(view),
        }
    }

    fn end(&self, view: &View<'_>) -> Finding {
        let hook = self.shape.hooks.post_start.filter(|hook| !self.may_be_cancelled(view, *hook));
        let post_start = hook.map(|_| rules::post_start(view).outcome);
        let pre_stop = self.shape.hooks.pre_stop.map(|hook| self.pre_stop_run(view, hook));
        let pre_stops_before = self.shape.hooks.pre_stop.map(|hook| self.pre_stops_before(view, hook));
        let verdict = rules::kill(view, post_start, pre_stop.as_ref().map(|run| run.outcome));
        let kill = match verdict {
            KillVerdict::NotKilled => None,
            KillVerdict::Killed(reason) => Some(self.kill(reason, view.finished_at().and_then(second))),
        };
        let (container, late_duration) = (Arc::clone(self.name), self.late_duration(view));
        Finding::End {
            container,
            instance: view.number,
            pre_stops_before: pre_stops_before.unwrap_or_default(),
            pre_stop,
            kill,
            late_duration,
            grace_used: grace_used(view),
        }
    }

    /// Whether a postStart run was counted by a live record alone, which is forgotten by now, and may have
    /// been stopped by the operator: the kubelet reports a stopped hook as a failure too.
    fn may_be_cancelled(&self, view: &View<'_>, hook: HookShape) -> bool {
        let live_only = hook.live && !hook.recorded && view.record(HookKind::PostStart).is_none();
        let counted = self.counted.post_start >= view.number && !view.seen_running_before;
        let failed_at = view.post_start_failed_at();
        let stopped = self.evidence.stop.is_some_and(|stop| failed_at.is_none_or(|at| stop.began <= at));
        live_only && counted && stopped
    }

    /// The measured duration of a postStart run that was counted when its container was seen running.
    fn late_duration(&self, view: &View<'_>) -> Option<LateDuration> {
        let ending = view.record(HookKind::PostStart)?.ending.as_ref()?;
        let handler = self.shape.hooks.post_start?.handler;
        let duration = Interval::exactly(Duration::from_micros(ending.duration));
        let id = self.id(HookKind::PostStart, view.number);
        view.seen_running_before.then_some(LateDuration { id, handler, duration })
    }

    fn post_start_run(&self, view: &View<'_>, hook: HookShape) -> HookRun {
        let verdict = rules::post_start(view);
        let duration = match verdict.outcome {
            // What will be measured is not estimated: a duration is counted once.
            _ if hook.recorded => None,
            Outcome::Succeeded => {
                bounds(view.instance.started_at, view.instance.ready_at).map(Interval::at_most)
            }
            Outcome::Failed => bounds(view.instance.started_at, view.post_start_failed_at()),
            _ => None,
        };
        // Of an exec hook the kubelet's message has the exit status.
        let reported = view.instance.post_start_error.filter(|_| verdict.outcome == Outcome::Failed);
        let exit_code = reported.and_then(|error| error.exit_code);
        let run = self.run(HookKind::PostStart, view.number, hook.handler, verdict, view.instance.started_at);
        measured(HookRun { duration, exit_code, ..run }, view.record(HookKind::PostStart))
    }

    fn pre_stop_run(&self, view: &View<'_>, hook: HookShape) -> HookRun {
        let verdict = rules::pre_stop(view);
        let began = match verdict.outcome {
            Outcome::Skipped => None,
            _ => view.killing().map(|(second, _)| second),
        };
        let duration = match verdict.outcome {
            Outcome::Failed => bounds(began, view.pre_stop_failed_at()),
            Outcome::TimedOut => bounds(began, view.finished_at()),
            _ => None,
        };
        let run = self.run(HookKind::PreStop, view.number, hook.handler, verdict, began);
        measured(HookRun { duration, ..run }, view.record(HookKind::PreStop))
    }

    /// Executions of the preStop hook in this instance before the last one, oldest first.
    fn pre_stops_before(&self, view: &View<'_>, hook: HookShape) -> Vec<HookRun> {
        let Some(last) = view.record(HookKind::PreStop) else { return Vec::new() };
        let mut records: Vec<&Record> =
            view.records(HookKind::PreStop).filter(|record| record.run != last.run).collect();
        records.sort_by_key(|record| (execution_of(record), record.start));
        let run = |record: &Record| {
            let verdict = rules::pre_stop_before(record);
            let run = self.run(HookKind::PreStop, view.number, hook.handler, verdict, None);
            measured(run, Some(record))
        };
        records.into_iter().map(run).collect()
    }
}

fn bounds(start: Option<i64>, end: Option<i64>) -> Option<Interval> {
    Interval::between_whole_seconds(start?, end?)
}

/// The run with what its record has measured.
pub(super) fn measured(run: HookRun, record: Option<&Record>) -> HookRun {
    let Some(record) = record else { return run };
    let execution = record.numbering.as_ref().map_or(run.id.execution, |numbering| numbering.execution);
    let start_time =
        i64::try_from(record.start).ok().and_then(|start| Timestamp::from_microsecond(start).ok());
    let run =
        HookRun { id: HookRunId { execution, ..run.id }, start_time: start_time.or(run.start_time), ..run };
    let Some(ending) = record.ending.as_ref().filter(|_| run.source == Source::Runner) else { return run };
    HookRun {
        duration: Some(Interval::exactly(Duration::from_micros(ending.duration))),
        exit_code: ending.exit.map(|exit| match exit {
            Exit::Code(code) => i32::from(code),
            Exit::Signal(signal) => 128 + i32::from(signal),
        }),
        attempts: Some(ending.attempts),
        output: ending.output.clone(),
        ..run
    }
}

/// The time from the deletion to the container's end over the grace in force.
#[allow(clippy::cast_precision_loss, reason = "seconds of a grace period are far below 2^52")]
fn grace_used(view: &View<'_>) -> Option<f64> {
    let stop = view.stopped_by().filter(|stop| stop.exact)?;
    let used = view.finished_at()?.checked_sub(stop.began)?;
    Some(used as f64 / stop.grace.max(1) as f64)
}
