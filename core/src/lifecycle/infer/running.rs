//! Hooks that run now.

use hooked_crd::{HookKind, Outcome, Source};

use super::{Case, measured};
use crate::lifecycle::live::second_of;
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

    /// The instance, and the second of its beginning, that the kubelet has announced and not shown yet. `Started` is
    /// recorded just before the postStart hook, and the container is shown as Running only when the hook has returned.
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

    /// The runner has told that the hook has begun: it runs until its end is told.
    fn begun_post_start(&self) -> Option<HookRun> {
        let view = self.view_of_begun().filter(|view| view.number > self.counted.post_start)?;
        let record = view.record(HookKind::PostStart).filter(|record| record.ending.is_none())?;
        let verdict = running("told by the hook-runner");
        let handler = self.shape.hooks.post_start?.handler;
        let run = self.run(HookKind::PostStart, view.number, handler, verdict, Some(second_of(record)));
        Some(measured(run, Some(record)))
    }

    /// The kubelet does not say when a preStop hook returns: it runs, or the program stops.
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

/// A run that its runner has told of.
fn running(how: &str) -> Verdict {
    Verdict { source: Source::Runner, ..Verdict::new(Outcome::Running, how) }
}
