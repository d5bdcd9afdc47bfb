//! One pass over one workload: decide, commit, act.
//!
//! ```text
//! confirm ─► rollback ─► prepare ─► seek ─► decide ─► COMMIT ─► publish ─► act ─► leave or prune ─► wait
//! ```
//!
//! A workload whose Pods others make has a shorter one (`watched`):
//!
//! ```text
//! find ─► decide ─► COMMIT ─► publish ─► number ─► wait
//! ```
//!
//! The status write is the write-ahead log. Counts, marks, sizes per revision and the highest number that may
//! be given stand in one conditional write, and everything that is done to Pods afterwards follows from it
//! and can be done again. A pass may end at every await, as the process may; a later one, of this process or
//! of another, finds what is committed and goes on.

mod act;
mod admit;
mod adopt_revision;
mod allowance;
mod at_rest;
mod await_predecessor;
mod begin;
pub mod call;
mod candidates;
mod cluster;
mod commit;
mod confirm;
mod decide;
mod doubts;
mod dropped;
mod equate;
mod hand_over;
mod invalid;
mod leave;
mod leave_to;
mod left_to;
mod locked;
mod memory;
mod newcomers;
mod overlapping;
mod overlay;
mod parallel;
mod predecessor;
mod prepare;
mod prune;
mod reconcile;
mod reject;
mod released;
mod rollback;
mod seek;
mod selection;
mod store;
mod stored;
mod subject;
mod unrunnable;
mod wait;
mod watched;

use futures::future::join;
use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use thiserror::Error;

pub use act::ActError;
pub use begin::BeginError;
pub use candidates::Orphan;
pub use cluster::{Cluster, Failure, Refused, TIMEOUT};
pub use commit::CommitError;
pub use invalid::Invalid;
pub use locked::Locked;
pub use memory::Memory;
pub use predecessor::{AdoptFrom, AdoptFromError};
pub use reconcile::{Reconciled, Watched, reconcile};
use reject::reject;
pub use reject::{RejectError, remove_stray_finalizer};
pub use rollback::RollbackError;
pub use stored::StoreError;
pub use watched::{Controlled, Kinds, Watching, find_controller};

use crate::mutation::{Mutation, mutated};
use crate::status::{
    Notice, failed, farewell, newly_missing, newly_overlapping, newly_stalled, newly_stuck, newly_unmeasured,
    notices, refused, scaled,
};
use crate::workload::rollout::Rollout;
use crate::workload::target::Why;

use act::act;
use begin::begin;
use commit::{Told, Written, commit};
use confirm::confirm;
use decide::{Decided, decide};
use leave::{leave, may_leave};
use leave_to::leave_to;
use overlay::Committed;
use prepare::prepare;
use prune::prune;
use rollback::rollback;
use seek::seek;
use subject::take_up;
use wait::wait;

/// Why a pass did not come to its end.
#[derive(Debug, Error)]
pub enum Stop {
    /// The workload cannot be carried out; only a change of it helps.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Something failed, and is made up for by a later pass.
    #[error(transparent)]
    Retry(#[from] Retry),
}

/// What a later pass makes up for.
#[derive(Debug, Error)]
pub enum Retry {
    /// The first status or the finalizer could not be written.
    #[error("the operator could not begin with the workload: {0}")]
    Begin(BeginError),
    /// What has become of an own write could not be looked up.
    #[error("a write whose reply was lost could not be looked up: {0}")]
    Confirm(Failure),
    /// The workload could not be taken back to an earlier revision.
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    /// A revision could not be stored, checked or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Which Pods the selector matches could not be looked up.
    #[error("the Pods that the selector matches could not be listed: {0}")]
    Seek(Failure),
    /// The status could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// What follows from the status could not be done.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The finalizer could not be taken off the workload.
    #[error("the finalizer of the workload could not be removed: {0}")]
    Leave(Failure),
    /// A workload that cannot be carried out could not be told so.
    #[error(transparent)]
    Reject(#[from] RejectError),
}

impl Retry {
    /// Every label that [`Self::label`] gives.
    pub const LABELS: [&str; 11] = [
        "begin", "confirm", "rollback", "store", "seek", "conflict", "deposed", "commit", "act", "leave",
        "reject",
    ];

    /// Whether somebody has changed the workload meanwhile: that is no failure, and the watch will show it. Not always:
    /// webhooks may say the same, and then nothing has changed.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Commit(CommitError::Conflict) | Self::Rollback(RollbackError::Conflict) => true,
            Self::Begin(failure) => failure.is_conflict(),
            Self::Leave(failure)
            | Self::Reject(RejectError::Leave(failure) | RejectError::Write(failure)) => {
                failure.is_conflict()
            }
            _ => false,
        }
    }

    /// The label of `hooked_reconcile_errors_total`.
    pub fn label(&self) -> &'static str {
        match self {
            _ if self.is_conflict() => "conflict",
            Self::Begin(_) => "begin",
            Self::Confirm(_) => "confirm",
            Self::Store(_) => "store",
            Self::Seek(_) => "seek",
            Self::Rollback(_) => "rollback",
            Self::Commit(CommitError::Write(Failure::Deposed)) => "deposed",
            Self::Commit(_) => "commit",
            Self::Act(_) => "act",
            Self::Leave(_) => "leave",
            Self::Reject(_) => "reject",
        }
    }
}

/// What a pass has come to.
#[derive(Debug, Default)]
pub struct Passed {
    /// When to look at the workload again though nothing new has come.
    pub again: Option<Timestamp>,
    /// What failed on the way, and is tried again.
    pub trouble: Option<Retry>,
}

/// What a commit says that was not said before, as Events.
fn tell(told: &Told, committed: &Committed, memory: &mut Memory, now: Timestamp) -> Vec<Notice> {
    let Told { before, counted } = told;
    let (was, is) = (&before.status, &committed.status);
    let is_new = was.replicas == 0;
    let mut news = scaled(before.ledger.sizes.as_ref(), committed.ledger.sizes.as_ref(), is_new);
    news.retain(|_| memory.scaling.take(now));
    let (known, said) = (&was.conditions, &is.conditions);
    news.extend(failed(known, said));
    news.extend(newly_overlapping(known, said).map(refused));
    news.extend(newly_unmeasured(known, said).map(refused));
    news.extend(newly_missing(known, said).map(refused));
    news.extend(notices(counted, newly_stuck(was, is), newly_stalled(known, said)));
    news
}

/// Takes one workload through one pass.
pub async fn pass<C: Cluster>(
    cluster: &C,
    workload: &HookedWorkload,
    memory: &Locked<Memory>,
) -> Result<Passed, Stop> {
    let (subject, before) = take_up(workload, &mut memory.lock()).map_err(Invalid::from)?;
    if !subject.has_finalizer() {
        begin(cluster, &subject, &before).await.map_err(Retry::Begin)?;
        return Ok(Passed::default());
    }
    let unconfirmed = confirm(cluster, &subject.site, memory).await.err().map(Retry::Confirm);
    let rolled_back = rollback(cluster, &subject, &before, memory).await;
    if let Ok(true) = rolled_back {
        return Ok(Passed { again: None, trouble: unconfirmed });
    }
    // Hooks are counted all the same, and Pods replaced, of what is asked for as yet.
    let early = unconfirmed.or(rolled_back.err().map(Retry::from));
    let mut prepared = prepare(cluster, &subject, &before, memory).await?;
    let early = early.or(seek(cluster, &subject, &prepared, &before, memory).await.err().map(Retry::Seek));
    let Decided { decision, rollout, series } =
        decide(cluster, &subject, &mut prepared, &before, memory).map_err(Invalid::from)?;
    let written = commit(cluster, &subject, before, decision, memory).await.map_err(Retry::from)?;
    let Written { committed, told, due, is_outdated } = written;
    if due.is_none() {
        cluster.show(series);
    }
    if is_outdated && !mutated(Mutation::ActsOnOutdatedCommit) {
        // What is committed asks for Pods that nobody wants any more, or none where some are wanted.
        let trouble = prepared.trouble.map(Retry::from).or(early);
        return Ok(Passed { again: due, trouble });
    }
    let news =
        told.map(|told| tell(&told, &committed, &mut memory.lock(), cluster.now())).unwrap_or_default();
    // No Pod waits for an Event.
    let acting = act(cluster, &subject, &prepared, &committed, memory);
    let (acted, ()) = join(acting, cluster.tell(news)).await;
    if subject.leaving.is_some_and(|leaving| may_leave(leaving, &memory.lock())) {
        if leave(cluster, &workload.metadata, &committed.version).await.map_err(Retry::Leave)? {
            cluster.tell(vec![farewell(&committed.status.hook_totals)]).await;
        }
        return Ok(Passed::default());
    }
    if matches!(rollout, Rollout::Complete) || prepared.target.held_by() == Some(&Why::Paused) {
        // A failure is made up for by the next pass.
        prune(cluster, &subject, &prepared, &committed, memory).await.ok();
    }
    let again = {
        let mut memory = memory.lock();
        memory.forget_unused_revisions(&prepared, &committed);
        wait(cluster.now(), &prepared, &committed, &memory, [due, acted.again])
    };
    let trouble = prepared.trouble.map(Retry::from).or(early).or(acted.trouble.map(Retry::from));
    Ok(Passed { again, trouble })
}
