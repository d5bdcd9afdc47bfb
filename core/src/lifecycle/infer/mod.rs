//! From the evidence of one Pod to the runs and kills that are not counted yet.

mod lost;
mod overdue;
mod running;

use std::sync::Arc;
use std::time::Duration;

use hooked_crd::{HandlerKind, HookKind, KillReason, Outcome, Source};
use hooked_protocol::{Exit, Record};
use jiff::{SignedDuration, Timestamp};

use super::evidence::{Closed, ContainerEvidence, InstanceEvidence, PodEvidence};
use super::live::{Bound, bind};
use super::rules::{self, KillVerdict, Verdict, View};
use super::run::{Finding, Findings, HookRun, HookRunId, Interval, Kill, LateDuration, Slot};
use crate::accounting::ledger::{Mark, PodMarks};
use crate::lifecycle::{ContainerShape, HookShape, PerHook};

/// How long after a run's end was seen other evidence of it may still come: its runner's record, or an Event.
pub const SETTLEMENT: SignedDuration = SignedDuration::from_secs(10);
/// How long after the grace period a kubelet may be silent before its Pod is let go.
pub const SILENCE: SignedDuration = SignedDuration::from_secs(60);

/// What `evidence` says at `now` beyond what `counted` has.
pub fn infer(evidence: &PodEvidence, counted: &PodMarks, now: Timestamp) -> Findings {
    let silent_at = silent_at(evidence);
    let closed = evidence.closed.or_else(|| silent_at.is_some_and(|at| at <= now).then_some(Closed::Silent));
    let closed_evidence;
    let evidence = if closed == evidence.closed {
        evidence
    } else {
        closed_evidence = PodEvidence { closed, ..evidence.clone() };
        &closed_evidence
    };
    let mut findings = Findings { complete: true, closed: evidence.closed.is_some(), ..Findings::default() };
    for (name, shape) in &evidence.shape.containers {
        let unobserved = ContainerEvidence::default();
        let container = evidence.containers.get(name).unwrap_or(&unobserved);
        let Bound { container, begun } = bind(container, name, shape, evidence.stop.is_some());
        let (container, counted) = (&*container, counted.of(name));
        let case = Case { evidence, name, shape, container, begun, counted, now };
        case.settle(Slot::PostStart, &mut findings);
        case.settle(Slot::End, &mut findings);
        findings.running.extend(case.running());
    }
    let waits = evidence.closed.is_none() && (evidence.stop.is_some() || !findings.running.is_empty());
    findings.complete &= !waits && findings.settled.is_empty();
    if evidence.closed.is_none() {
        findings.wake_at(silent_at);
    }
    findings
}

/// When a kubelet that says nothing of a Pod's end is given up.
fn silent_at(evidence: &PodEvidence) -> Option<Timestamp> {
    let deadline = Timestamp::from_second(evidence.stop?.deadline()).ok()?;
    deadline.checked_add(SILENCE).ok()
}

/// One container of one Pod.
struct Case<'a> {
    evidence: &'a PodEvidence,
    name: &'a Arc<str>,
    shape: &'a ContainerShape,
    /// With what came live where it belongs.
    container: &'a ContainerEvidence,
    /// The instance whose postStart has begun, as its runner says, and that the kubelet does not show yet.
    begun: Option<(u32, InstanceEvidence)>,
    counted: Mark,
    now: Timestamp,
}

impl Case<'_> {
    /// Settles what can be settled of one slot, in order of the instances.
    fn settle(&self, slot: Slot, findings: &mut Findings) {
        if slot == Slot::PostStart && self.shape.hooks.post_start.is_none() {
            return;
        }
        let mut expected = self.counted.of(slot) + 1;
        for &number in self.container.instances.range(expected..).map(|(number, _)| number) {
            if number > expected {
                findings.settled.extend(self.lost(slot, expected, number - 1));
            }
            let Some(view) = self.view(number) else { return };
            match self.settled_at(slot, &view) {
                // It ended and was started again before anybody saw how.
                _ if self.is_overtaken(slot, &view) => {
                    findings.settled.extend(self.lost(slot, number, number));
                }
                Settles::At(due) if due > self.now => {
                    findings.complete = false;
                    return findings.wake_at(Some(due));
                }
                Settles::At(_) => findings.settled.push(self.finding(slot, &view)),
                Settles::NotYet => {
                    findings.complete &= view.killing().is_none();
                    return;
                }
            }
            expected = number + 1;
        }
        if slot == Slot::PostStart && self.settle_begun(expected, findings) {
            return;
        }
        if slot == Slot::End && self.settle_forgotten(expected, findings) {
            return;
        }
        // An instance whose hook still hung when nobody was left to tell of it.
        let hung = self.hanging().map(|(number, _)| number).filter(|number| *number >= expected);
        if let (Some(number), Some(_)) = (hung, self.evidence.closed) {
            findings.settled.extend(self.lost(slot, expected, number));
        }
    }

    /// Settles the end of an instance that only its mark tells of: its postStart run is counted, and the kubelet, which has
    /// nothing more to say, no longer knows the container.
    fn settle_forgotten(&self, expected: u32, findings: &mut Findings) -> bool {
        let number = self.counted.post_start;
        if self.evidence.closed.is_none() || number < expected {
            return false;
        }
        let instance = InstanceEvidence::default();
        let Some(view) =
            View::of(self.evidence, self.name, self.container, (number, &instance), self.counted)
        else {
            return false;
        };
        findings.settled.extend(self.lost(Slot::End, expected, number - 1));
        findings.settled.push(self.finding(Slot::End, &view));
        true
    }

    /// Whether an instance's end is over and can no longer be seen: the container was started again since.
    fn is_overtaken(&self, slot: Slot, view: &View<'_>) -> bool {
        let started_again = self.container.instances.range(view.number + 1..).next().is_some();
        slot == Slot::End && view.instance.end_seen.is_none() && started_again
    }

    /// When a slot of an instance settles: a postStart run when its runner has told of its end, else 10 s after its end was
    /// seen, or at once where nothing more can come.
    fn settled_at(&self, slot: Slot, view: &View<'_>) -> Settles {
        let closed_without_end = self.evidence.closed.is_some() && view.instance.end_seen.is_none();
        // Where failures are ignored a running container says nothing of its hook: only the record does.
        let proves = self.shape.hooks.post_start.is_some_and(|hook| !hook.ignored);
        let running_seen = view.instance.running_seen.filter(|_| slot == Slot::PostStart && proves);
        let recorded = slot == Slot::PostStart && view.has_recorded_end(HookKind::PostStart);
        match view.instance.end_seen.or(running_seen) {
            // The runner's word is the last.
            _ if closed_without_end || recorded => Settles::At(self.now),
            Some(at) if view.instance.end_seen.is_some() && self.nothing_more_can_come(view) => {
                Settles::At(at)
            }
            Some(at) => Settles::At(at.saturating_add(SETTLEMENT).unwrap_or(at)),
            None => Settles::NotYet,
        }
    }

    /// Whether no Event can add to what is known of an ended instance: its hooks are recorded, and no probe killed it.
    fn nothing_more_can_come(&self, view: &View<'_>) -> bool {
        let PerHook { post_start, pre_stop } = self.shape.hooks;
        let post_start = post_start.is_none() || self.counted.post_start >= view.number;
        let post_start = post_start || view.has_recorded_end(HookKind::PostStart);
        let pre_stop = pre_stop.is_none() || view.has_recorded_end(HookKind::PreStop);
        post_start && pre_stop && !self.shape.killed_by_probes()
    }

    /// The view of an instance that the kubelet has shown.
    fn view(&self, number: u32) -> Option<View<'_>> {
        let instance = self.container.instances.get(&number)?;
        View::of(self.evidence, self.name, self.container, (number, instance), self.counted)
    }

    /// The view of the instance that has begun, as its runner says.
    fn view_of_begun(&self) -> Option<View<'_>> {
        let (number, instance) = self.begun.as_ref()?;
        View::of(self.evidence, self.name, self.container, (*number, instance), self.counted)
    }

    /// Settles the postStart run of an instance that the kubelet does not show yet, if its runner has told of its end.
    fn settle_begun(&self, expected: u32, findings: &mut Findings) -> bool {
        let Some(view) = self.view_of_begun().filter(|view| view.number >= expected) else { return false };
        let ended = view.has_recorded_end(HookKind::PostStart);
        if ended {
            findings.settled.extend(self.lost(Slot::PostStart, expected, view.number - 1));
            findings.settled.push(self.finding(Slot::PostStart, &view));
        }
        ended
    }

    fn finding(&self, slot: Slot, view: &View<'_>) -> Finding {
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
        let verdict = rules::kill(view, post_start, pre_stop.as_ref().map(|run| run.outcome));
        let kill = match verdict {
            KillVerdict::NotKilled => None,
            KillVerdict::Killed(reason) => Some(self.kill(reason, view.finished_at().and_then(second))),
        };
        let (container, late_duration) = (Arc::clone(self.name), self.late_duration(view));
        Finding::End {
            container,
            instance: view.number,
            pre_stop,
            kill,
            late_duration,
            grace_used: grace_used(view),
        }
    }

    /// Whether a postStart run was counted by what came live alone, which is forgotten, and may have been stopped by the
    /// operator: the kubelet reports that as a failure too.
    fn may_be_cancelled(&self, view: &View<'_>, hook: HookShape) -> bool {
        let live_only = hook.live && !hook.recorded && view.record(HookKind::PostStart).is_none();
        let counted = self.counted.post_start >= view.number && !view.seen_running_before;
        let failed_at = view.post_start_failed_at();
        let stopped = self.evidence.stop.is_some_and(|stop| failed_at.is_none_or(|at| stop.began <= at));
        live_only && counted && stopped
    }

    fn kill(&self, reason: KillReason, time: Option<Timestamp>) -> Kill {
        Kill { pod: Arc::clone(&self.evidence.pod), container: Arc::clone(self.name), reason, time }
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
        // The kubelet tells it of an exec hook, in words.
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

    fn id(&self, hook: HookKind, execution: u32) -> HookRunId {
        let (pod_uid, container) = (Arc::clone(&self.evidence.uid), Arc::clone(self.name));
        HookRunId { pod_uid, container, hook, instance: execution, execution }
    }

    fn run(
        &self,
        hook: HookKind,
        instance: u32,
        handler: HandlerKind,
        verdict: Verdict,
        began: Option<i64>,
    ) -> HookRun {
        HookRun {
            id: self.id(hook, instance),
            pod: Arc::clone(&self.evidence.pod),
            node: self.evidence.node.clone(),
            handler,
            outcome: verdict.outcome,
            source: verdict.source,
            start_time: began.and_then(second),
            duration: None,
            exit_code: None,
            attempts: None,
            message: verdict.message,
            output: String::new(),
            overdue_at: None,
        }
    }
}

enum Settles {
    At(Timestamp),
    NotYet,
}

impl Findings {
    fn wake_at(&mut self, at: Option<Timestamp>) {
        self.due = self.due.into_iter().chain(at).min();
    }
}

fn bounds(start: Option<i64>, end: Option<i64>) -> Option<Interval> {
    Interval::between_whole_seconds(start?, end?)
}

fn second(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

/// The run with what its record has measured.
fn measured(run: HookRun, record: Option<&Record>) -> HookRun {
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
