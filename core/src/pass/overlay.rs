//! Own status writes: what is committed while the watch has not shown it, and how soon the next write may follow.

use hooked_crd::HookedWorkloadStatus;
use jiff::{SignedDuration, Timestamp};

use super::call::Validation;
use crate::accounting::ledger::Ledger;
use crate::status::News;

/// Between two writes of what something follows from: at most ten a second.
const URGENT: SignedDuration = SignedDuration::from_millis(100);
/// Between two writes of what is only told.
const TOLD: SignedDuration = SignedDuration::from_secs(1);
/// The most bytes that one workload writes in a second, on average.
const BYTES_A_SECOND: usize = 64 * 1024;

/// What is committed of a workload.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    /// The version that the next commit must replace.
    pub(super) version: String,
    pub(super) status: HookedWorkloadStatus,
    pub(super) ledger: Ledger,
}

impl Committed {
    /// How Pods of a revision are asked about. One that is rolled out was taken with all that is in it, perhaps by an
    /// operator that did not ask strictly: Pods of it must go on to be made.
    pub(super) fn validation(&self, revision: &str) -> Validation {
        let Self { status, ledger, .. } = self;
        let mut named = [&status.current_revision, &status.update_revision].into_iter().flatten();
        let is_sized = ledger.sizes.as_ref().is_some_and(|sizes| sizes.get(revision) > 0);
        let is_rolled_out = is_sized || named.any(|named| named == revision);
        if is_rolled_out { Validation::Lenient } else { Validation::Strict }
    }
}

/// An own status write that the watch has not shown yet. A write's own reply counts as read back.
#[derive(Clone, Debug)]
pub(super) struct Overlay {
    /// Versions that are older than the write.
    superseded: Vec<String>,
    committed: Committed,
}

impl Overlay {
    /// The overlay after a write that has replaced the version `replaced`, on top of the overlay before.
    pub(super) fn of_write(before: Option<Self>, replaced: &str, committed: Committed) -> Self {
        let mut superseded = before.map(|overlay| overlay.superseded).unwrap_or_default();
        superseded.push(replaced.to_owned());
        Self { superseded, committed }
    }

    /// What is committed while the watch shows `version`; none if that is no older than the write.
    pub(super) fn over(&self, version: &String) -> Option<Committed> {
        self.superseded.contains(version).then(|| self.committed.clone())
    }
}

/// When the last write was, and how large.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    at: Option<Timestamp>,
    bytes: usize,
}

impl Pace {
    /// The pace after a write of that size at that time.
    pub(super) fn of_write(at: Timestamp, bytes: usize) -> Self {
        Self { at: Some(at), bytes }
    }

    /// When news of that kind may be written; none if it may be at `now`.
    pub(super) fn due(self, news: News, now: Timestamp) -> Option<Timestamp> {
        let least = if news == News::Urgent { URGENT } else { TOLD };
        let millis = i64::try_from(self.bytes * 1000 / BYTES_A_SECOND).unwrap_or(i64::MAX);
        // Numbers and sizes are few bytes more than what is told: they wait for no large status.
        let size = if news == News::Urgent { least } else { SignedDuration::from_millis(millis) };
        self.at?.checked_add(least.max(size)).ok().filter(|due| *due > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::ledger::{Sizes, Total};

    fn check(bytes: usize, news: News, millis: i64, expect: Option<i64>) {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let pace = Pace { at: Some(at(0)), bytes };
        assert_eq!(pace.due(news, at(millis)), expect.map(at), "{bytes} bytes, {news:?} after {millis} ms");
    }

    #[test]
    fn a_revision_that_is_rolled_out_is_not_asked_about_strictly() {
        let sizes = Sizes::new(vec![("sized".into(), 1), ("gone".into(), 0)], Total { replicas: 1, most: 1 });
        let status = HookedWorkloadStatus {
            current_revision: Some("current".to_owned()),
            update_revision: Some("update".to_owned()),
            ..HookedWorkloadStatus::default()
        };
        let ledger = Ledger { sizes: Some(sizes), ..Ledger::default() };
        let committed = Committed { version: "1".to_owned(), status, ledger };
        let check = |revision, expect| assert_eq!(committed.validation(revision), expect, "{revision}");
        check("current", Validation::Lenient);
        check("update", Validation::Lenient);
        check("sized", Validation::Lenient);
        check("gone", Validation::Strict);
        check("new", Validation::Strict);
    }

    #[test]
    fn what_is_told_waits_a_second_and_longer_if_it_is_large() {
        assert_eq!(Pace::default().due(News::Told, Timestamp::UNIX_EPOCH), None);
        check(1000, News::Told, 10, Some(1000));
        check(1000, News::Told, 1000, None);
        check(256 * 1024, News::Told, 1000, Some(4000));
        check(256 * 1024, News::Urgent, 10, Some(100));
        check(1000, News::Urgent, 100, None);
    }
}
