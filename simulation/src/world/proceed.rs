//! What is next where nothing goes wrong: the oldest request is answered, watches show what has happened,
//! nodes do what they have to, and where nothing is to be done time passes.

use jiff::{SignedDuration, Timestamp};

use super::turn::{Fate, Feed};
use super::{MOMENT, Violation, World};
use crate::kubelet::{HookEnd, Step};

/// What happened in a turn without faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Something.
    Made,
    /// Nothing but that time has passed.
    Waited,
}

impl World {
    /// Lets happen what is next.
    pub(super) fn proceed(&mut self) -> Result<Progress, Violation> {
        let progress = if self.do_next()? {
            self.pass_time(MOMENT);
            Progress::Made
        } else {
            let now = self.now();
            let next = self.next_time().map_or(SignedDuration::from_secs(1), |at| at.duration_since(now));
            self.pass_time(next.max(MOMENT).min(SignedDuration::from_secs(1)));
            Progress::Waited
        };
        self.follow()?;
        Ok(progress)
    }

    fn do_next(&mut self) -> Result<bool, Violation> {
        let oldest = {
            let wire = self.wire.lock();
            wire.requests.iter().find(|(_, it)| it.has_client).map(|(ticket, _)| *ticket)
        };
        if let Some(ticket) = oldest {
            self.meet(ticket, Fate::Answered)?;
            return Ok(true);
        }
        for operator in 0..u32::try_from(self.operators.len()).unwrap_or_default() {
            for feed in [Feed::Pods, Feed::Events, Feed::Workloads, Feed::Foreign, Feed::Others] {
                if self.show(operator, feed) {
                    return Ok(true);
                }
            }
        }
        if let Some(step) = self.next_step() {
            self.take_step(&step);
            return Ok(true);
        }
        Ok(self.server.collect_garbage(self.now()))
    }

    /// What a node does next where all goes well.
    pub(super) fn next_step(&self) -> Option<Step> {
        let steps = self.nodes.steps(&self.server, self.now());
        steps.into_iter().find(|step| match step {
            Step::SetReady { uid, ready, .. } => *ready && !self.checks.is_never_ready(uid),
            Step::EndHook { end, .. } => *end == HookEnd::Succeeded,
            _ => true,
        })
    }

    /// The next time at which something becomes due by itself.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        let now = self.now();
        let operators = self.operators.iter().map(|place| match &place.running {
            Some(operator) => operator.next_due(now),
            None => place.starts_at,
        });
        operators.chain(self.nodes.next_deadline(now)).min()
    }
}
