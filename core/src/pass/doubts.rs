//! When a refusal of a real Pod calls into question what dry runs have said of its revision.
//!
//! A policy may have come since, or a quota may have kept it from having its say. A quota that stays full says the same
//! with every Pod, and is no reason to ask each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Failure;

/// How long a refusal that was told before says nothing new.
const KNOWN: SignedDuration = SignedDuration::from_mins(10);
/// How long a doubt rests at least, whatever is told meanwhile.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// The refusals for which the API server was last asked again, by revision.
#[derive(Debug, Default)]
pub(super) struct Doubts(BTreeMap<Arc<str>, Doubt>);

#[derive(Debug)]
struct Doubt {
    /// What is the same in the words about all Pods.
    gist: String,
    at: Timestamp,
}

impl Doubts {
    /// Whether a refusal of a Pod of the revision says something new at that time, which is noted then.
    pub(super) fn arise(&mut self, revision: &Arc<str>, gist: &str, now: Timestamp) -> bool {
        let is_over = |since: Timestamp, rest| since.checked_add(rest).is_ok_and(|end| end <= now);
        let is_new = self
            .0
            .get(revision)
            .is_none_or(|known| is_over(known.at, if known.gist == gist { KNOWN } else { REST }));
        if is_new {
            self.0.insert(Arc::clone(revision), Doubt { gist: gist.to_owned(), at: now });
        }
        is_new
    }

    /// Forgets those of other revisions.
    pub(super) fn retain(&mut self, is_used: impl Fn(&str) -> bool) {
        self.0.retain(|revision, _| is_used(revision));
    }
}

/// Whether a create that fails so may have failed because of the runner in the Pod: a policy or a webhook forbids it,
/// or the server takes such a Pod no more.
pub(super) fn may_be_of_runner(failure: &Failure) -> bool {
    failure.refusal().is_some_and(|refused| matches!(refused.code, 400 | 403 | 422))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::Refused;

    /// Refusals by their seconds and gists, each with whether the server is asked again.
    fn check(refusals: &[(i64, &str, bool)]) {
        let mut doubts = Doubts::default();
        let revision: Arc<str> = "one".into();
        for (second, gist, expect) in refusals {
            let now = Timestamp::from_second(*second).unwrap();
            assert_eq!(doubts.arise(&revision, gist, now), *expect, "{gist:?} at {second} of {refusals:?}");
        }
    }

    #[test]
    fn one_refusal_calls_an_answer_into_question_once() {
        check(&[(0, "quota", true), (0, "quota", false), (10, "quota", false), (599, "quota", false)]);
        check(&[(0, "quota", true), (600, "quota", true), (610, "quota", false)]);
        check(&[(0, "quota", true), (10, "policy", true), (20, "policy", false)]);
        check(&[(0, "quota", true), (4, "policy", false), (5, "policy", true), (9, "quota", false)]);
    }

    #[test]
    fn revisions_are_doubted_apart_and_forgotten() {
        let mut doubts = Doubts::default();
        let mut arise = |revision: &str, keep| {
            let is_new = doubts.arise(&revision.into(), "quota", Timestamp::UNIX_EPOCH);
            doubts.retain(|known| known == keep);
            is_new
        };
        assert_eq!(
            [arise("one", "one"), arise("two", "one"), arise("one", "two"), arise("one", "one")],
            [true, true, false, true]
        );
    }

    #[test]
    fn only_words_about_the_pod_may_be_of_the_runner() {
        for (code, expect) in
            [(400, true), (403, true), (422, true), (404, false), (408, false), (429, false), (500, false)]
        {
            let failure = Failure::Refused(Refused { code, ..Refused::default() });
            assert_eq!(may_be_of_runner(&failure), expect, "{code}");
        }
        assert!(!may_be_of_runner(&Failure::Deposed));
    }
}
