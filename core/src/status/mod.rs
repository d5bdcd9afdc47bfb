//! What users read: a projection of Pods and ledger, with the history that the previous status holds.

mod conditions;
mod counts;
mod hooks;
mod live;
mod news;
mod notice;
mod recent;
mod series;
mod stalled;
#[cfg(test)]
mod tests;
mod unused;

use hooked_crd::{HookedWorkloadStatus, Reason};
use jiff::Timestamp;

use crate::accounting::ledger::{Counted, Ledger, LedgerError};
use crate::accounting::{RunningTally, Tracker};
use crate::names;
use crate::workload::desired::Desired;
use crate::workload::replicas::Replicas;
use crate::workload::revision::{Measuring, Revision};
use crate::workload::rollout::Rollout;
use crate::workload::target::{Target, Why};

pub use conditions::{how_it_ended, invalid};
pub use counts::{Progress, ReplicaCounts};
pub use live::LiveService;
pub use news::{News, news};
pub use notice::{Notice, farewell, farewell_unread, notices, refused};
pub use recent::describe;
pub use series::{Running, Series};
pub use stalled::{is_invalid, newly_invalid};

/// What a status is made from.
#[derive(Debug)]
pub struct Basis<'a> {
    /// The status before.
    pub previous: &'a HookedWorkloadStatus,
    /// The generation of the spec that was acted upon.
    pub generation: i64,
    /// How often the revision's hash had been taken by another template.
    pub collision_count: Option<i32>,
    /// What the workload asks for.
    pub desired: &'a Desired,
    /// Which revision is rolled to, and why perhaps none.
    pub target: &'a Target,
    /// The revision that Pods are made of; the one that is asked for if none are.
    pub revision: &'a Revision,
    /// What became of the wish to measure its hooks.
    pub measuring: &'a Measuring,
    /// Its Pods.
    pub replicas: &'a Replicas,
    /// What is known of their hooks and not counted.
    pub tracker: &'a Tracker,
    /// What is counted, with what this pass has counted.
    pub ledger: &'a Ledger,
    /// What this pass has counted.
    pub counted: &'a Counted,
    /// Where the rollout stands.
    pub rollout: Rollout,
    /// Why the API server does not carry out what is asked of it, in its words.
    pub refused: Option<&'a str>,
    /// The live channel, if the operator serves it.
    pub live: Option<&'a LiveService>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Basis<'a> {
    /// Why the API server takes no Pods of the template, if it takes none.
    fn invalid_template(&self) -> Option<&'a str> {
        match self.target.held_by() {
            Some(Why::Refused(words)) => Some(words),
            _ => None,
        }
    }

    /// Whether the template that is asked for is not the one that Pods are made of.
    fn is_held_back(&self) -> bool {
        self.target.revision().is_none_or(|revision| *revision != self.desired.asked.name)
    }
}

/// The most bytes of somebody else's words that a condition holds.
const WORDS: usize = 1024;

/// The beginning of a text that is too long for a condition: the API server may quote a whole field.
pub fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// The status to commit.
pub fn status(basis: &Basis<'_>) -> Result<HookedWorkloadStatus, LedgerError> {
    let Basis { previous, generation, collision_count, desired, tracker, ledger, counted, .. } = basis;
    let counts = ReplicaCounts::of(basis.desired, basis.replicas, basis.now);
    let current = match basis.rollout {
        Rollout::Complete => Some(desired.asked.name.to_string()),
        _ => previous.current_revision.clone(),
    };
    Ok(HookedWorkloadStatus {
        observed_generation: Some(*generation),
        replicas: counts.alive,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        unavailable_replicas: counts.unavailable,
        terminating_replicas: counts.terminating,
        selector: Some(desired.selector.clone()),
        current_revision: current,
        update_revision: match basis.target {
            Target::Roll { to } => Some(to.to_string()),
            // What is not rolled out is not told as if it were.
            Target::Hold { .. } => previous.update_revision.clone(),
        },
        collision_count: *collision_count,
        conditions: conditions::conditions(basis, &counts),
        hook_totals: hooks::totals(ledger),
        hooks_running: tracker.running().by_hook().values().map(RunningTally::count).sum(),
        last_hook: recent::last_hook(counted).or_else(|| previous.last_hook.clone()),
        hooks: hooks::hooks(&basis.revision.shape, tracker, ledger),
        kills: hooks::kills(ledger),
        grace_used: hooks::grace_used(ledger),
        recent_runs: recent::recent_runs(previous, tracker, counted, desired.history_limit),
        ledger: Some(ledger.store()?),
    })
}

/// The words in which `status` says that a hook hangs, if the status before did not say so: what is told once.
pub fn newly_stuck<'a>(previous: &HookedWorkloadStatus, status: &'a HookedWorkloadStatus) -> Option<&'a str> {
    fn stuck(status: &HookedWorkloadStatus) -> Option<&str> {
        let mut conditions = status.conditions.iter();
        let said = conditions.find(|known| known.type_ == names::condition::HOOKS_HEALTHY)?;
        (said.reason == Reason::HookStuck.as_str()).then_some(&*said.message)
    }
    stuck(status).filter(|_| stuck(previous).is_none())
}
