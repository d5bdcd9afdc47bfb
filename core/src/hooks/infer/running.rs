//! Hooks that run now.

use hooked_crd::{HookKind, Outcome};

use super::Case;
use crate::hooks::rules::{Verdict, View};
use crate::hooks::run::HookRun;

impl Case<'_> {
    /// The hook of this container that runs now, if one does. A container runs one at a time.
    pub(super) fn running(&self) -> Option<HookRun> {
        if self.evidence.closed.is_some() {
            return None;
        }
        let run = match self.container.starts.last_key_value() {
            Some((number, start)) if start.end.is_none() => self.running_pre_stop(*number),
            _ => self.running_post_start(),
        }?;
        let overdue_at = self.overdue_at(&run);
        Some(HookRun { overdue_at, ..run })
    }

    /// The start, and the second of its beginning, that the kubelet has announced and not shown yet. `Started` is
    /// recorded just before the postStart hook, and the container is shown as Running only when the hook has returned.
    pub(super) fn hanging(&self) -> Option<(u32, i64)> {
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
        let verdict = Verdict::new(Outcome::Running, "the container waits for it");
        Some(self.run(HookKind::PostStart, number, self.shape.post_start?.handler, verdict, Some(began)))
    }

    /// The kubelet does not say when a preStop hook returns: it runs, or the program stops.
    fn running_pre_stop(&self, number: u32) -> Option<HookRun> {
        let handler = self.shape.pre_stop?.handler;
        let view = View::of(self.evidence, self.name, number, self.counted)?;
        let began = view.killing().map(|(second, _)| second).or(self.evidence.stop.map(|stop| stop.began))?;
        let verdict = Verdict::new(
            Outcome::Running,
            "the container is being stopped: its hook runs, or its program ends",
        );
        Some(self.run(HookKind::PreStop, number, handler, verdict, Some(began)))
    }
}
