//! What a rule concludes of a hook's run.

use hooked_crd::{Outcome, Source};
use hooked_protocol::Record;

use super::view::View;
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
