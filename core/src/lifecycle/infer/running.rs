//! Hooks that run now.

use hooked_crd::{HookKind, Outcome, Source};

use super::case::Case;
use super::findings::measured;
use crate::lifecycle::record::second_of;
use crate::lifecycle::rules::Verdict;
use crate::lifecycle::run::HookRun;

impl Case<'_> {
    /// The hook of this container that runs now, if one does. A container runs one at a time.
    pub(super) fn running(&self) -> Option<HookRun> {
        if self.evidence.closed.is_some() {
            return None;
        }
        let run = match self.container.instances.last_key_value() {
            Some((number, instance)) if instance.end.is_none() => self.running_pre_stop(*number),
            _ if self.begun.is_some() => self.begun_post_start(),
            _ => self.running_post_start(),
        }?;
        let overdue_at = self.overdue_at(&run);
        Some(HookRun { overdue_at, ..run })
    }

    /// The instance that the kubelet has announced and not shown yet, and the second of the instance's
    /// beginning. The kubelet sends `Started` just before it runs the postStart hook, and shows the container
    /// as Running only when the hook has returned.
    pub(super) fn hanging(&self) -> Option<(u32, i64)> {
        self.shape.hooks.post_start?;
        if let Some((number, instance)) = &self.begun {
            return instance.records.values().map(second_of).min().map(|began| (*number, began));
        }
        let began = self.container.events.started.last().copied()?;
        let (number, after) = match self.container.instances.last_key_value() {
            Some((number, instance)) => (number + 1, instance.end?.finished_at?),
            None => (1, i64::MIN),
        };
        (began > after).then_some((number, began))
    }

    fn running_post_start(&self) -> Option<HookRun> {
        let (number, began) = self.hanging().filter(|(number, _)| *number > self.counted.post_start)?;
        let verdict = Verdict::new(Outcome::Running, "the container waits for it");
        Some(self.run(
            HookKind::PostStart,
            number,
            self.shape.hooks.post_start?.handler,
            verdict,
            Some(began),
        ))
    }

    /// The runner has reported that the hook has begun: the hook runs until the runner reports its end.
    fn begun_post_start(&self) -> Option<HookRun> {
        let view = self.view_of_begun().filter(|view| view.number > self.counted.post_start)?;
        let record = view.record(HookKind::PostStart).filter(|record| record.ending.is_none())?;
        let verdict = running("told by the hook-runner");
        let handler = self.shape.hooks.post_start?.handler;
        let run = self.run(HookKind::PostStart, view.number, handler, verdict, Some(second_of(record)));
        Some(measured(run, Some(record)))
    }

    /// The kubelet does not report when a preStop hook returns: either the hook runs, or the program stops.
    fn running_pre_stop(&self, number: u32) -> Option<HookRun> {
        let handler = self.shape.hooks.pre_stop?.handler;
        let view = self.view(number)?;
        if let Some(record) = view.record(HookKind::PreStop) {
            let verdict = running("told by the hook-runner");
            let run = self.run(HookKind::PreStop, number, handler, verdict, Some(second_of(record)));
            return record.ending.is_none().then(|| measured(run, Some(record)));
        }
        let began = view.killing().map(|(second, _)| second).or(self.evidence.stop.map(|stop| stop.began))?;
        let verdict = Verdict::new(
            Outcome::Running,
            "the container is being stopped: its hook runs, or its program ends",
        );
        Some(self.run(HookKind::PreStop, number, handler, verdict, Some(began)))
    }
}

/// The verdict on a run that its runner has reported.
fn running(how: &str) -> Verdict {
    Verdict { source: Source::Runner, ..Verdict::new(Outcome::Running, how) }
}
