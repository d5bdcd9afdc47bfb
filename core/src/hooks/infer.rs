//! From the evidence of one Pod to the runs and kills that are not counted yet.

use std::sync::Arc;

use hooked_crd::{HandlerKind, HookKind, Outcome, Source};
use jiff::{SignedDuration, Timestamp};

use super::evidence::{Closed, ContainerEvidence, PodEvidence};
use super::rules::{self, KillVerdict, Verdict, View};
use super::run::{Finding, Findings, HookRun, HookRunId, Interval, Kill, Slot};
use crate::ledger::{Mark, PodMarks};
use crate::pod::ContainerShape;

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
        let unheard = ContainerEvidence::default();
        let container = evidence.containers.get(name).unwrap_or(&unheard);
        let case = Case { evidence, name, shape, container, counted: counted.of(name), now };
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
    container: &'a ContainerEvidence,
    counted: Mark,
    now: Timestamp,
}

impl Case<'_> {
    /// Settles what can be settled of one slot, in order of the starts.
    fn settle(&self, slot: Slot, findings: &mut Findings) {
        if slot == Slot::PostStart && self.shape.post_start.is_none() {
            return;
        }
        let mut expected = self.counted.of(slot) + 1;
        for &number in self.container.starts.range(expected..).map(|(number, _)| number) {
            if number > expected {
                findings.settled.push(self.lost(slot, expected, number - 1));
            }
            let Some(view) = View::of(self.evidence, self.name, number, self.counted) else { return };
            match self.settled_at(slot, &view) {
                // It ended and was started again before anybody saw how.
                _ if self.is_overtaken(slot, &view) => findings.settled.push(self.lost(slot, number, number)),
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
        // A start whose hook still hung when nobody was left to tell of it.
        let hung = self.hanging().map(|(number, _)| number).filter(|number| *number >= expected);
        if let (Some(number), Some(_)) = (hung, self.evidence.closed) {
            findings.settled.push(self.lost(slot, expected, number));
        }
    }

    /// Whether a start's end is over and can no longer be seen: the container was started again since.
    fn is_overtaken(&self, slot: Slot, view: &View<'_>) -> bool {
        let started_again = self.container.starts.range(view.number + 1..).next().is_some();
        slot == Slot::End && view.start.end_seen.is_none() && started_again
    }

    /// When a slot of a start settles: 10 s after its end was seen, at once where nothing more can come.
    fn settled_at(&self, slot: Slot, view: &View<'_>) -> Settles {
        let closed_without_end = self.evidence.closed.is_some() && view.start.end_seen.is_none();
        let seen = match slot {
            Slot::PostStart => view.start.running_seen.into_iter().chain(view.start.end_seen).min(),
            Slot::End => view.start.end_seen,
        };
        match seen {
            _ if closed_without_end => Settles::At(self.now),
            Some(at) if slot == Slot::End && self.status_says_all() => Settles::At(at),
            Some(at) => Settles::At(at.saturating_add(SETTLEMENT).unwrap_or(at)),
            None => Settles::NotYet,
        }
    }

    /// Without hooks and probes no Event can add to what the status says.
    fn status_says_all(&self) -> bool {
        let ContainerShape { post_start, pre_stop, killed_by_probes } = self.shape;
        post_start.is_none() && pre_stop.is_none() && !killed_by_probes
    }

    fn lost(&self, slot: Slot, first: u32, last: u32) -> Finding {
        let handler = match slot {
            Slot::PostStart => self.shape.post_start,
            Slot::End => self.shape.pre_stop,
        };
        Finding::Lost { container: Arc::clone(self.name), slot, first, last, handler }
    }

    fn finding(&self, slot: Slot, view: &View<'_>) -> Finding {
        let (container, start) = (Arc::clone(self.name), view.number);
        match (slot, self.shape.post_start) {
            (Slot::PostStart, Some(handler)) => {
                Finding::PostStart { container, start, run: self.post_start_run(view, handler) }
            }
            (Slot::PostStart, None) | (Slot::End, _) => self.end(view),
        }
    }

    fn end(&self, view: &View<'_>) -> Finding {
        let post_start = self.shape.post_start.map(|_| rules::post_start(view).outcome);
        let pre_stop = self.shape.pre_stop.map(|handler| self.pre_stop_run(view, handler));
        let verdict = rules::kill(view, post_start, pre_stop.as_ref().map(|run| run.outcome));
        let kill = match verdict {
            KillVerdict::NotKilled => None,
            KillVerdict::Killed(reason) => Some(Kill {
                pod: Arc::clone(&self.evidence.pod),
                container: Arc::clone(self.name),
                reason,
                time: view.finished_at().and_then(second),
            }),
        };
        Finding::End {
            container: Arc::clone(self.name),
            start: view.number,
            pre_stop,
            kill,
            grace_used: grace_used(view),
        }
    }

    fn post_start_run(&self, view: &View<'_>, handler: HandlerKind) -> HookRun {
        let verdict = rules::post_start(view);
        let duration = match verdict.outcome {
            Outcome::Succeeded => bounds(view.start.started_at, view.start.ready_at).map(Interval::at_most),
            Outcome::Failed => bounds(view.start.started_at, view.post_start_failed_at()),
            _ => None,
        };
        self.run(HookKind::PostStart, view.number, handler, verdict, view.start.started_at, duration)
    }

    fn pre_stop_run(&self, view: &View<'_>, handler: HandlerKind) -> HookRun {
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
        self.run(HookKind::PreStop, view.number, handler, verdict, began, duration)
    }

    fn run(
        &self,
        hook: HookKind,
        execution: u32,
        handler: HandlerKind,
        verdict: Verdict,
        began: Option<i64>,
        duration: Option<Interval>,
    ) -> HookRun {
        let PodEvidence { pod, uid, node, .. } = self.evidence;
        HookRun {
            id: HookRunId { pod_uid: Arc::clone(uid), container: Arc::clone(self.name), hook, execution },
            pod: Arc::clone(pod),
            node: node.clone(),
            handler,
            outcome: verdict.outcome,
            source: Source::Kubelet,
            start_time: began.and_then(second),
            duration,
            message: verdict.message,
        }
    }

    /// The hook of this container that runs now, if one does. A container runs one at a time.
    fn running(&self) -> Option<HookRun> {
        if self.evidence.closed.is_some() {
            return None;
        }
        match self.container.starts.last_key_value() {
            Some((number, start)) if start.end.is_none() => self.running_pre_stop(*number),
            _ => self.running_post_start(),
        }
    }

    /// The start, and the second of its beginning, that the kubelet has announced and not shown yet. `Started` is
    /// recorded just before the postStart hook, and the container is shown as Running only when the hook has returned.
    fn hanging(&self) -> Option<(u32, i64)> {
        self.shape.post_start?;
        let began = self.container.events.started.last().copied()?;
        let (number, after) = match self.container.starts.last_key_value() {
            Some((number, start)) => (number + 1, start.end?.finished_at?),
            None => (1, i64::MIN),
        };
        (began > after).then_some((number, began))
    }

    fn running_post_start(&self) -> Option<HookRun> {
        let (number, began) = self.hanging()?;
        let verdict = Verdict { outcome: Outcome::Running, message: "the container waits for it".to_owned() };
        Some(self.run(HookKind::PostStart, number, self.shape.post_start?, verdict, Some(began), None))
    }

    /// The kubelet does not say when a preStop hook returns: it runs, or the program stops.
    fn running_pre_stop(&self, number: u32) -> Option<HookRun> {
        let handler = self.shape.pre_stop?;
        let view = View::of(self.evidence, self.name, number, self.counted)?;
        let began = view.killing().map(|(second, _)| second).or(self.evidence.stop.map(|stop| stop.began))?;
        let message = "the container is being stopped: its hook runs, or its program ends".to_owned();
        let verdict = Verdict { outcome: Outcome::Running, message };
        Some(self.run(HookKind::PreStop, number, handler, verdict, Some(began), None))
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

/// The time from the deletion to the container's end over the grace in force.
#[allow(clippy::cast_precision_loss, reason = "seconds of a grace period are far below 2^52")]
fn grace_used(view: &View<'_>) -> Option<f64> {
    let stop = view.stopped_by().filter(|stop| stop.exact)?;
    let used = view.finished_at()?.checked_sub(stop.began)?;
    Some(used as f64 / stop.grace.max(1) as f64)
}
