//! What follows from what is committed: idempotent, and computed anew from the Pods that are known at this moment.

mod create;
mod delete;
mod error;
mod finalizer;
mod parallel;
mod refresh;

use jiff::Timestamp;

use super::memory::Acts;
use super::overlay::Committed;
use super::prepare::Prepared;
use super::subject::Subject;
use super::{Cluster, Locked, Memory};
use crate::workload::target::Leaving;

pub use error::ActError;

pub(super) use create::is_ours;
pub(super) use delete::{delete_all, stop_hung_hooks};
use finalizer::remove_finalizers;
pub(super) use finalizer::{change, orphan_all, remove_finalizer};

/// What has become of the acts of a pass.
#[derive(Debug, Default)]
pub(super) struct Acted {
    /// What failed, and is tried again.
    pub(super) trouble: Option<ActError>,
    /// When more is to be done though nothing new has come.
    pub(super) again: Option<Timestamp>,
}

/// Acts as `committed` says: first what lets Pods go, then what removes, then what adds. A Pod that cannot be
/// removed keeps none from being added.
pub(super) async fn act<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Locked<Memory>,
) -> Acted {
    let mut errors = Vec::new();
    let mut again = None;
    stop_hung_hooks(cluster, memory);
    errors.extend(remove_finalizers(cluster, &subject.site, &committed.ledger, memory).await.err());
    if prepared.target.leaving() == Some(Leaving::WithoutPods) {
        errors.extend(orphan_all(cluster, &subject.site, memory).await.err());
    } else {
        errors
            .extend(delete::delete_surplus(cluster, &subject.site, prepared, committed, memory).await.err());
        if prepared.target.leaving().is_none() {
            let made = create::create_missing(cluster, subject, prepared, committed, memory).await;
            again = made.as_ref().ok().copied().flatten();
            errors.extend(made.err());
            match refresh::refresh(cluster, &subject.site, memory).await {
                Ok(more) => again = again.or(more),
                Err(error) => errors.push(error),
            }
        }
    }
    let now = cluster.now();
    let words = errors.iter().find_map(ActError::words);
    let is_news = remember(&mut memory.lock().acts, words, errors.is_empty(), now);
    // What the server refuses is committed at once.
    Acted { trouble: errors.into_iter().next(), again: again.or(is_news.then_some(now)) }
}

/// Remembers what has become of the acts; true if users are to be told something new.
fn remember(acts: &mut Acts, words: Option<&str>, is_done: bool, now: Timestamp) -> bool {
    let before = acts.clone();
    match words {
        Some(words) => *acts = Acts::Refused(words.to_owned(), now),
        None if is_done => *acts = Acts::Done,
        // Nobody knows: what was known stays.
        None => {}
    }
    match (&before, &*acts) {
        (Acts::Refused(known, _), Acts::Refused(words, _)) => known != words,
        (Acts::Refused(..) | Acts::Untried, Acts::Done) => before != Acts::Untried,
        (_, Acts::Refused(..)) => true,
        _ => false,
    }
}
