//! What a rule concludes of a hook's run.

use hooked_crd::{Outcome, Source};
use hooked_protocol::Record;

use super::view::View;
use crate::lifecycle::kubelet::may_be_killed_by_memory;
use crate::lifecycle::run::RECORDED;

/// How a hook run ended, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Why, in words.
    pub(crate) message: String,
    /// Who reported it.
    pub(crate) source: Source,
}

impl Verdict {
    /// What is inferred.
    pub(crate) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), source: Source::Kubelet }
    }

    /// What the runner has recorded of the run's end: the strongest source.
    pub(super) fn recorded(record: &Record) -> Option<Self> {
        let ending = record.ending.as_ref()?;
        let message = match ending.message.as_str() {
            "" => RECORDED,
            why => why,
        };
        Some(Self { outcome: ending.outcome.into(), message: message.to_owned(), source: Source::Runner })
    }

    /// The same, with what the runtime says of the container's memory: some process in it was killed for want of it,
    /// and it was not the program, or not for certain. That may be why a hook failed.
    pub(super) fn beside(self, view: &View<'_>) -> Self {
        let of_another =
            view.instance.end.is_some_and(|end| end.out_of_memory && !may_be_killed_by_memory(&end));
        if !of_another || !matches!(self.outcome, Outcome::Failed | Outcome::TimedOut | Outcome::Unknown) {
            return self;
        }
        let message = format!("{}; memory ran out for a process of the container", self.message);
        Self { message, ..self }
    }

    /// Of an instance in which the hook-runner could not be executed: the hook has not run, and has not failed.
    pub(super) fn without_runner(view: &View<'_>) -> Option<Self> {
        let inability = view.instance.post_start_error?.inability?;
        let message = format!("not run: the hook-runner {}", inability.what());
        Some(Self::new(Outcome::Skipped, message))
    }

    /// Of a container that could not be started.
    pub(super) fn unstarted(view: &View<'_>) -> Option<Self> {
        view.instance
            .end?
            .unstarted
            .then(|| Self::new(Outcome::Skipped, "the container could not be started"))
    }
}
