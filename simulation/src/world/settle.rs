//! The end of a world: faults stop, and everything is to come to rest as it is wanted.

use jiff::SignedDuration;

use super::proceed::Progress;
use super::turn::Refused;
use super::{Violation, World};
use crate::kubelet::Step;

/// How long nobody may write before all is taken to be at rest: longer than any back-off.
const QUIET: SignedDuration = SignedDuration::from_secs(150);
/// The most requests in that time: what is refused is asked for again, and not without rest.
const ASKED: u64 = 600;
/// How long it may take at most to come to rest.
const MOST: SignedDuration = SignedDuration::from_hours(2);
/// The most turns that it may take.
const TURNS: usize = 60_000;

impl World {
    /// Lets all faults stop, waits until everything is at rest, and checks that it is as it is wanted.
    pub fn settle(&mut self) -> Result<(), Violation> {
        self.heal();
        self.follow()?;
        let began = self.now();
        (self.last_change, self.asked_since) = (began, 0);
        for _ in 0..TURNS {
            let progress = self.proceed()?;
            let now = self.now();
            if self.asked_since > ASKED {
                let what = format!("{} requests by which nothing changes", self.asked_since);
                return Err(Violation { invariant: "rests", what });
            }
            let is_quiet = progress == Progress::Waited && now.duration_since(self.last_change) > QUIET;
            // A container may wait to be started again for longer.
            let waits = || self.nodes.next_deadline(now).is_some() || self.next_step().is_some();
            if is_quiet && !waits() {
                return self.checks.at_rest(&self.server, &self.nodes, now);
            }
            if now.duration_since(began) > MOST {
                break;
            }
        }
        let last = self.checks.last_change().to_owned();
        Err(Violation { invariant: "comes-to-rest", what: format!("something changes for ever: {last}") })
    }

    fn heal(&mut self) {
        for refused in [Refused::Creates, Refused::Deletes, Refused::Updates] {
            self.set_webhook(refused, false);
        }
        self.set_quota(0);
        self.let_all_go();
        let now = self.now();
        for fault in self.nodes.faults(&self.server) {
            if matches!(fault, Step::ReturnNode { .. }) {
                self.nodes.take(&fault, &mut self.server, now);
            }
        }
        // Pods of nodes that are no more are taken away by the control plane.
        for fault in self.nodes.faults(&self.server) {
            if matches!(fault, Step::CollectPod { .. }) {
                self.nodes.take(&fault, &mut self.server, now);
            }
        }
        for place in &mut self.operators {
            if let Some(operator) = &mut place.running {
                operator.frozen_until = operator.frozen_until.map(|_| now);
            }
        }
    }
}
