//! One pass over a workload whose Pods others make. Nothing of theirs is changed but for the number that each Pod
//! bears, and what the injector has put into a Pod: the address of the live channel is kept up to date, and a Pod that
//! serves nobody since the hook-runner in it cannot run is deleted, so that its controller makes one without. Only
//! under `evidence: Durable` there is something to undo: the injector has put our finalizer on Pods, which goes when
//! their hooks are counted, or before the workload does.

mod asked;
mod decide;
mod find;
mod watching;

use hooked_crd::{HookedWorkload, Referent};
use jiff::{SignedDuration, Timestamp};

use super::act::{ActError, Bearing, claim, delete_stuck, refresh, release_all, remove_finalizers};
use super::begin::{begin, introduce, is_introduced};
use super::commit::{Written, commit};
use super::leave::leave;
use super::overlay::Committed;
use super::subject::{Subject, take_up};
use super::{Cluster, Invalid, Locked, Memory, Passed, Retry, Stop, tell};
use crate::mutation::{Mutation, mutated};
use crate::workload::asked::Asked;

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
        return let_go(cluster, &subject, &before, memory).await;
    }
    // The finalizer is on the workload before the injector holds any Pod for it.
    if Asked::by(workload.spec.hooks.as_ref()).holds && !subject.has_finalizer() {
        begin(cluster, &subject, &before).await.map_err(Retry::Begin)?;
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
    let acted = act(cluster, &subject, &after, memory).await;
    cluster.tell(news).await;
    let (again, trouble) = match acted {
        Ok(again) => (again, None),
        // What the server refuses for good is tried again all the same: its policies may change.
        Err(error) if error.is_refusal() => (cluster.now().checked_add(FAILED_RETRY).ok(), None),
        Err(error) => (None, Some(error)),
    };
    Ok(Passed { again: wait(cluster.now(), &memory.lock(), [due, again]), trouble: trouble.map(Retry::from) })
}

/// Acts as `after` says. What fails of one keeps none of the others from being done. Returns when more is to be done.
async fn act<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    after: &Committed,
    memory: &Locked<Memory>,
) -> Result<Option<Timestamp>, ActError> {
    let (site, ledger) = (&subject.site, &after.ledger);
    let claimed = claim(cluster, site, &Bearing::watched(&site.owner.uid), ledger, memory).await;
    // What holds Pods for another workload is that one's to take off, once it has counted.
    let released =
        if subject.has_finalizer() { remove_finalizers(cluster, site, ledger, memory).await } else { Ok(()) };
    let deleted = delete_stuck(cluster, site, ledger, memory).await;
    let refreshed = refresh(cluster, site, memory).await;
    released?;
    deleted?;
    Ok([claimed?, refreshed?].into_iter().flatten().min())
}

/// Takes our finalizer off all Pods, once all are known, and then off the workload: the Pods live on.
async fn let_go<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<Passed, Stop> {
    let is_listed = memory.lock().watching.as_ref().is_some_and(Watching::is_listed);
    // Without ours, somebody else's finalizer is on it.
    if subject.has_finalizer() && is_listed {
        release_all(cluster, &subject.site, memory).await.map_err(Retry::from)?;
        leave(cluster, &subject.workload.metadata, &before.version).await.map_err(Retry::Leave)?;
    }
    Ok(Passed::default())
}

/// The earliest of all times at which something comes due.
fn wait(now: Timestamp, memory: &Memory, others: [Option<Timestamp>; 2]) -> Option<Timestamp> {
    let times = [
        memory.tracker.next_due(),
        memory.tracker.running().next_overdue(now),
        memory.watching.as_ref().and_then(Watching::ask_again),
        memory.watching.as_ref().and_then(|watching| watching.next_deletion(now)),
    ];
    times.into_iter().chain(others).flatten().min()
}
