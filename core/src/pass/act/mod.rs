//! What follows from what is committed: idempotent, and computed anew from the Pods that are known at this
//! moment.

mod adopt;
mod claim;
mod create;
mod delete;
mod error;
mod finalizer;
mod refresh;
mod release;

use jiff::Timestamp;

use super::memory::{Acts, Failing};
use super::overlay::Committed;
use super::prepare::Prepared;
use super::subject::Subject;
use super::{Cluster, Locked, Memory};
use crate::workload::target::Leaving;

pub(super) use claim::{Bearing, claim};
pub use error::ActError;

pub(super) use create::is_ours;
pub(super) use delete::{delete_all, delete_stuck, stop_hung_hooks};
pub(super) use finalizer::{change, orphan_all, release_all, remove_finalizer, remove_finalizers};
pub(super) use refresh::refresh;

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
    let adopted = adopt::adopt(cluster, subject, evidence, memory).await;
    let claimed = claim(cluster, &subject.site, &Bearing::own(evidence), &committed.ledger, memory).await;
    let mut again = adopted.as_ref().ok().copied().flatten();
    errors.extend(adopted.err());
    again = again.or(claimed.as_ref().ok().copied().flatten());
    errors.extend(claimed.err());
    errors.extend(remove_finalizers(cluster, &subject.site, &committed.ledger, memory).await.err());
    if prepared.target.leaving() == Some(Leaving::WithoutPods) {
        errors.extend(orphan_all(cluster, &subject.site, memory).await.err());
    } else {
        if prepared.target.leaving().is_none() {
            let ledger = &committed.ledger;
            errors.extend(release::release_unselected(cluster, &subject.site, ledger, memory).await.err());
        }
        if prepared.target.leaving().is_none() {
            let ledger = &committed.ledger;
            errors.extend(delete_stuck(cluster, &subject.site, ledger, memory).await.err());
        }
        errors
            .extend(delete::delete_surplus(cluster, &subject.site, prepared, committed, memory).await.err());
        // A Pod that is yet to get its number, or to be taken over, may be what is lacking.
        let is_known = !memory.lock().awaits_pods();
        if prepared.target.leaving().is_none() {
            if is_known {
                let made = create::create_missing(cluster, subject, prepared, committed, memory).await;
                again = again.or(made.as_ref().ok().copied().flatten());
                errors.extend(made.err());
            }
            match refresh(cluster, &subject.site, memory).await {
                Ok(more) => again = again.or(more),
                Err(error) => errors.push(error),
            }
        }
    }
    let now = cluster.now();
    let is_news = note(&errors, memory, now);
    // What begins or ends is committed at once; the pass that does so finds out whether it is so still.
    let trouble = errors.into_iter().find(|error| !error.is_refusal()).filter(|_| !is_news);
    Acted { trouble, again: again.or(is_news.then_some(now)) }
}

/// Remembers what has become of the acts of a pass, of which these have failed; true if a failure has begun or ended.
pub(super) fn note(errors: &[ActError], memory: &Locked<Memory>, now: Timestamp) -> bool {
    let mut memory = memory.lock();
    // What is in doubt may be what was not done.
    let is_sure = memory.replicas.doubts().next().is_none() && !memory.candidates.any_refused();
    let is_done = errors.is_empty() && is_sure;
    let told =
        errors.iter().filter_map(|error| Some(Failing { told: error.told()?, gist: error.gist(), at: now }));
    // Of several the one that is worst for those who are served: Pods that are missing.
    let told = told.min_by_key(|failing| failing.told.reason);
    remember(&mut memory.acts, told, is_done)
}

/// Remembers what has become of the acts; true if a failure has begun or ended.
fn remember(acts: &mut Acts, failing: Option<Failing>, is_done: bool) -> bool {
    let before = acts.clone();
    match (failing, &before) {
        (Some(new), Acts::Failed(known))
            if (known.told.reason, &known.gist) == (new.told.reason, &new.gist) =>
        {
            *acts = Acts::Failed(Failing { at: new.at, ..known.clone() });
        }
        (Some(new), _) => *acts = Acts::Failed(new),
        (None, _) if is_done => *acts = Acts::Done,
        // Nobody knows: what was known stays.
        (None, _) => {}
    }
    match (&before, &*acts) {
        // Other words can wait for the next pass: there is one soon, and two Pods may fail in turn.
        (Acts::Failed(_), Acts::Failed(_)) => false,
        // The process before this one may have said otherwise.
        (Acts::Failed(_) | Acts::Untried, Acts::Done) | (_, Acts::Failed(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use hooked_crd::Reason;

    use super::super::stored::StoreError;
    use super::super::{Failure, Refused};
    use super::*;

    fn refused(code: u16, message: &str) -> Failure {
        Failure::Refused(Refused { code, message: message.to_owned(), ..Refused::default() })
    }

    /// What is remembered of a create of that Pod that has failed so at that second.
    fn failing(pod: &str, words: &str, second: i64) -> Failing {
        let error = ActError::Create(pod.into(), refused(500, words));
        let at = Timestamp::from_second(second).unwrap();
        Failing { told: error.told().unwrap(), gist: error.gist(), at }
    }

    /// What becomes of what is known, and whether that is news.
    fn check(before: Acts, new: Option<Failing>, is_done: bool, expect: &Acts, is_news: bool) {
        let mut acts = before;
        let told = remember(&mut acts, new, is_done);
        assert_eq!((&acts, told), (expect, is_news), "{is_done}");
    }

    #[test]
    fn a_failure_is_news_when_it_begins() {
        let quota = || failing("web-1", "quota", 9);
        check(Acts::Untried, Some(quota()), false, &Acts::Failed(quota()), true);
        check(Acts::Done, Some(quota()), false, &Acts::Failed(quota()), true);
        let policy = Acts::Failed(failing("web-1", "policy", 1));
        check(policy, Some(quota()), false, &Acts::Failed(quota()), false);
    }

    #[test]
    fn of_pods_that_fare_alike_the_first_is_told() {
        let of =
            |pod: &str, used: u32, second| failing(pod, &format!("{pod} exceeds quota: used {used}"), second);
        let first = || of("web-x7k2", 3, 1);
        let expect = Acts::Failed(Failing { at: Timestamp::from_second(9).unwrap(), ..first() });
        // It is tried again some time after the last failure.
        check(Acts::Failed(first()), Some(of("web-q9", 14, 9)), false, &expect, false);
    }

    #[test]
    fn that_all_is_done_is_news_where_it_was_not_known() {
        check(Acts::Failed(failing("web-1", "quota", 1)), None, true, &Acts::Done, true);
        check(Acts::Untried, None, true, &Acts::Done, true);
        check(Acts::Done, None, true, &Acts::Done, false);
    }

    #[test]
    fn while_a_write_is_in_doubt_what_is_known_stays() {
        let quota = || Acts::Failed(failing("web-1", "quota", 1));
        check(Acts::Untried, None, false, &Acts::Untried, false);
        check(Acts::Done, None, false, &Acts::Done, false);
        check(quota(), None, false, &quota(), false);
    }

    #[test]
    fn every_error_is_told_but_that_another_operator_leads() {
        let create = |failure| ActError::Create("web-1".into(), failure).told().map(|told| told.words);
        let says = |words: &str| Some(format!("Pod web-1 could not be created: {words}"));
        for code in [400, 403, 409, 422, 429, 500, 503, 504] {
            assert_eq!(create(refused(code, "words")), says("words"), "{code}");
        }
        assert_eq!(create(Failure::Lost("timed out".to_owned())), says("no reply: timed out"));
        assert_eq!(create(Failure::Deposed), None);
        let reason = |error: ActError| error.told().map(|told| told.reason);
        let pod = || "web-1".into();
        assert_eq!(reason(ActError::Delete(pod(), refused(500, ""))), Some(Reason::FailedDelete));
        assert_eq!(reason(ActError::Change(pod(), refused(403, ""))), Some(Reason::FailedUpdate));
        let read = |failure| ActError::Read(StoreError::Read("rev".into(), failure));
        assert_eq!(reason(read(refused(500, ""))), Some(Reason::FailedCreate));
        assert_eq!(reason(read(Failure::Deposed)), None);
    }

    #[test]
    fn what_the_server_refuses_for_good_is_no_failed_pass() {
        let is_refusal = |failure| ActError::Create("web-1".into(), failure).is_refusal();
        let told = [403, 422, 400, 429, 500, 408].map(|code| is_refusal(refused(code, "")));
        assert_eq!(told, [true, true, true, false, false, false]);
        assert!(!is_refusal(Failure::Lost("reset".to_owned())) && !is_refusal(Failure::Deposed));
    }
}
