//! What users read: a projection of Pods and ledger, with the history that the previous status holds.

mod basis;
mod conditions;
mod counted;
mod counts;
mod ending;
mod failure;
mod gate;
mod healthy;
mod hooks;
mod last_runs;
mod live;
mod live_service;
mod measured;
mod news;
mod notice;
mod others;
mod policies;
mod progress;
mod recent;
mod revisions;
mod saying;
mod series;
mod shortened;
mod stalled;
#[cfg(test)]
mod tests;
mod unknown;
mod unused;
mod watched;

use hooked_crd::{HookedWorkloadStatus, Reason};

use crate::accounting::ledger::LedgerError;
use crate::names;
use crate::workload::rollout::Rollout;
use crate::workload::target::Target;

pub use basis::{Basis, HooksBasis};
pub use conditions::invalid;
pub use counts::ReplicaCounts;
pub use ending::how_it_ended;
pub use failure::{ReplicaFailure, gist, newly_failing};
pub use live_service::LiveService;
pub use measured::newly_unmeasured;
pub use news::{News, news};
pub use notice::{
    Notice, failed, farewell, farewell_unread, left_to, no_rollback, notices, refused, refused_rollback,
    rolled_back, scaled,
};
pub use progress::{Course, Progress};
pub use recent::describe;
pub use saying::is_ours;
pub use series::{Running, Series};
pub use shortened::shortened;
pub use stalled::{is_invalid, newly_overlapping, newly_stalled};
pub use watched::{WatchedBasis, newly_missing, status_of_watched};

/// The status to commit.
pub fn status(basis: &Basis<'_>) -> Result<HookedWorkloadStatus, LedgerError> {
    let Basis { previous, generation, collision_count, desired, .. } = basis;
    let counts = ReplicaCounts::of(basis.desired, basis.replicas, basis.now);
    let current = match basis.rollout {
        Rollout::Complete => Some(desired.asked.name.to_string()),
        _ => previous.current_revision.clone(),
    };
    Ok(HookedWorkloadStatus {
        observed_generation: Some(*generation),
        selector: Some(desired.selector.clone()),
        current_revision: current,
        update_revision: match basis.target {
            Target::Roll { to } => Some(to.to_string()),
            // What is not rolled out is not told as if it were.
            Target::Hold { .. } => previous.update_revision.clone(),
        },
        collision_count: *collision_count,
        conditions: conditions::conditions(basis, &counts),
        revisions: revisions::revisions(basis),
        ..counted::counted(basis.hooks(), &counts, previous, basis.counted, desired.history_limit)?
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
