//! What no moment of ours may show, whatever the Deployment does meanwhile.

use anyhow::{Context, Result, ensure};
use hooked_e2e::Sight;

use super::asked::Asked;

/// What others have taken of ours in a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// Pods that served.
    pub(super) lost: usize,
    /// Whether the budget for disruptions was asked first.
    pub(super) by_leave: bool,
}

/// How many there may be, and how many must serve, but for what others have taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promise(Taken);

impl Promise {
    pub(super) fn except(&mut self, taken: Taken) {
        self.0.lost += taken.lost;
        self.0.by_leave |= taken.by_leave;
    }

    pub(super) fn check(self, moments: &[Vec<Sight>], asked: &Asked) -> Result<()> {
        let alive = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && !pod.ended).count();
        let serving = |moment: &[Sight]| moment.iter().filter(|pod| !pod.terminating && pod.ready).count();
        let first = moments.first().context("nothing was recorded")?;
        let (most, must_serve) = asked.limits();
        let most = most.max(alive(first));
        let mut fewest = must_serve.min(serving(first)).saturating_sub(self.0.lost);
        if self.0.by_leave {
            fewest = fewest.max(asked.protected().min(serving(first)));
        }
        for moment in moments {
            ensure!(alive(moment) <= most, "more than {most} Pods: {moment:#?}");
            ensure!(serving(moment) >= fewest, "fewer than {fewest} serve: {moment:#?}");
        }
        Ok(())
    }
}
