//! What follows from what is committed: idempotent, and computed anew from the Pods that are known at this
//! moment.

mod claim;
mod create;
mod delete;
mod error;
mod finalizer;
mod parallel;
mod refresh;
mod release;

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
    stop_hung_hooks(cluster, memory);
    let evidence = prepared.desired.evidence;
    let claimed = claim::claim(cluster, &subject.site, evidence, &committed.ledger, memory).await;
    let mut again = claimed.as_ref().ok().copied().flatten();
    errors.extend(claimed.err());
    errors.extend(remove_finalizers(cluster, &subject.site, &committed.ledger, memory).await.err());
    if prepared.target.leaving() == Some(Leaving::WithoutPods) {
        errors.extend(orphan_all(cluster, &subject.site, memory).await.err());
    } else {
        if prepared.target.leaving().is_none() {
            let ledger = &committed.ledger;
            errors.extend(release::release_unselected(cluster, &subject.site, ledger, memory).await.err());
        }
        errors
            .extend(delete::delete_surplus(cluster, &subject.site, prepared, committed, memory).await.err());
        // A Pod that is yet to get its number may be what is lacking.
        let is_known = !memory.lock().newcomers.any_waiting();
        if prepared.target.leaving().is_none() {
            if is_known {
                let made = create::create_missing(cluster, subject, prepared, committed, memory).await;
                again = again.or(made.as_ref().ok().copied().flatten());
                errors.extend(made.err());
            }
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
    let trouble = errors.into_iter().find(|error| !error.is_refusal());
    Acted { trouble, again: again.or(is_news.then_some(now)) }
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
        // The process before this one may have said otherwise.
        (Acts::Refused(..) | Acts::Untried, Acts::Done) | (_, Acts::Refused(..)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, Refused};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn refused(words: &str, second: i64) -> Acts {
        Acts::Refused(words.to_owned(), at(second))
    }

    /// What becomes of what is known after acts that ended so at second 9, and whether that is news.
    fn check(before: Acts, words: Option<&str>, is_done: bool, expect: &Acts, is_news: bool) {
        let mut acts = before;
        let told = remember(&mut acts, words, is_done, at(9));
        assert_eq!((&acts, told), (expect, is_news), "{words:?} {is_done}");
    }

    #[test]
    fn a_refusal_is_news_when_its_words_are() {
        check(Acts::Untried, Some("quota"), false, &refused("quota", 9), true);
        check(Acts::Done, Some("quota"), false, &refused("quota", 9), true);
        check(refused("policy", 1), Some("quota"), false, &refused("quota", 9), true);
        // It is tried again some time after the last refusal.
        check(refused("quota", 1), Some("quota"), false, &refused("quota", 9), false);
    }

    #[test]
    fn that_all_is_done_is_news_where_it_was_not_known() {
        check(refused("quota", 1), None, true, &Acts::Done, true);
        check(Acts::Untried, None, true, &Acts::Done, true);
        check(Acts::Done, None, true, &Acts::Done, false);
    }

    #[test]
    fn a_reply_that_is_lost_changes_nothing_of_what_is_known() {
        check(Acts::Untried, None, false, &Acts::Untried, false);
        check(Acts::Done, None, false, &Acts::Done, false);
        check(refused("quota", 1), None, false, &refused("quota", 1), false);
    }

    #[test]
    fn only_the_server_s_own_refusal_is_told() {
        let of = |failure| ActError::Create("web-1".into(), failure).words().map(str::to_owned);
        let refused =
            |code| Failure::Refused(Refused { code, message: "words".to_owned(), ..Refused::default() });
        assert_eq!(of(refused(403)).as_deref(), Some("words"));
        assert_eq!(of(refused(500)).as_deref(), Some("words"));
        assert_eq!(of(refused(429)), None);
        assert_eq!(of(Failure::Lost("reset".to_owned())), None);
        assert_eq!(of(Failure::Deposed), None);
    }

    #[test]
    fn what_the_server_refuses_for_good_is_no_failed_pass() {
        let is_refusal = |failure| ActError::Create("web-1".into(), failure).is_refusal();
        let refused = |code| Failure::Refused(Refused { code, ..Refused::default() });
        let told = [403, 422, 400, 429, 500, 408].map(|code| is_refusal(refused(code)));
        assert_eq!(told, [true, true, true, false, false, false]);
        assert!(!is_refusal(Failure::Lost("reset".to_owned())) && !is_refusal(Failure::Deposed));
    }
}
