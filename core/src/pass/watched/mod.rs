//! One pass over a workload whose Pods others make. Nothing of theirs is changed but for the number that each Pod
//! bears, so there is nothing to hold, to make or to undo: a workload that is deleted is gone at once.

mod asked;
mod decide;
mod find;
mod watching;

use hooked_crd::{HookedWorkload, Referent};
use jiff::{SignedDuration, Timestamp};

use super::act::{Bearing, claim};
use super::begin::{introduce, is_introduced};
use super::commit::{Written, commit};
use super::subject::take_up;
use super::{Cluster, Invalid, Locked, Memory, Passed, Retry, Stop, tell};
use crate::mutation::{Mutation, mutated};

use decide::decide;
use find::find;
pub use find::{Controlled, Kinds, find_controller};
pub use watching::Watching;

/// How long a Pod rests that could not be given its number.
const FAILED_RETRY: SignedDuration = SignedDuration::from_secs(10);

/// Takes a workload that watches the Pods of `referent` through one pass.
pub(super) async fn pass<C: Cluster>(
    cluster: &C,
    workload: &HookedWorkload,
    referent: &Referent,
    memory: &Locked<Memory>,
) -> Result<Passed, Stop> {
    let (subject, before) = take_up(workload, &mut memory.lock()).map_err(Invalid::from)?;
    if subject.leaving.is_some() {
        // Somebody else's finalizer is on it.
        return Ok(Passed::default());
    }
    if !is_introduced(&before) {
        introduce(cluster, &subject, &before).await.map_err(Retry::Begin)?;
        return Ok(Passed::default());
    }
    let is_listed = memory.lock().watching.as_ref().is_some_and(Watching::is_listed);
    if !is_listed && !mutated(Mutation::WatchedListNotAwaited) {
        // What is not known of a Pod that is there would pass for what is known of one that is gone.
        return Ok(Passed::default());
    }
    let found = find(cluster, &subject.site.namespace, referent, memory).await;
    let (decision, series) =
        decide(cluster, &subject, (referent, &found), &before, memory).map_err(Invalid::from)?;
    let written = commit(cluster, &subject, before, decision, memory).await.map_err(Retry::from)?;
    let Written { committed: after, told, due, is_outdated } = written;
    if due.is_none() {
        cluster.show(series);
        if let Some(watching) = &mut memory.lock().watching {
            watching.counted_vanished();
        }
    }
    if is_outdated {
        return Ok(Passed { again: due, trouble: None });
    }
    let news = told.map(|told| tell(&told, &after, &mut memory.lock(), cluster.now())).unwrap_or_default();
    let bearing = Bearing::watched(&subject.site.owner.uid);
    let claimed = claim(cluster, &subject.site, &bearing, &after.ledger, memory).await;
    cluster.tell(news).await;
    let (again, trouble) = match claimed {
        Ok(again) => (again, None),
        // What the server refuses for good is tried again all the same: its policies may change.
        Err(error) if error.is_refusal() => (cluster.now().checked_add(FAILED_RETRY).ok(), None),
        Err(error) => (None, Some(error)),
    };
    Ok(Passed { again: wait(cluster.now(), &memory.lock(), [due, again]), trouble: trouble.map(Retry::from) })
}

/// The earliest of all times at which something comes due.
fn wait(now: Timestamp, memory: &Memory, others: [Option<Timestamp>; 2]) -> Option<Timestamp> {
    let times = [
        memory.tracker.next_due(),
        memory.tracker.running().next_overdue(now),
        memory.watching.as_ref().and_then(Watching::ask_again),
    ];
    times.into_iter().chain(others).flatten().min()
}
