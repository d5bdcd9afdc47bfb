//! The only status write. It is conditional on the version that everything was computed from, so nothing is counted twice;
//! and everything that is done to Pods follows from it, so nothing is done that nobody remembers.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use thiserror::Error;

use super::decide::Decision;
use super::subject::{Committed, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::accounting::Account;
use crate::accounting::ledger::Counted;
use crate::status::News;

/// Between two writes of what something follows from: at most ten a second.
const URGENT: SignedDuration = SignedDuration::from_millis(100);
/// Between two writes of what is only told.
const TOLD: SignedDuration = SignedDuration::from_secs(1);
/// The most bytes that one workload writes in a second, on average.
const BYTES_A_SECOND: usize = 64 * 1024;

/// Why the status was not written.
#[derive(Debug, Error)]
pub enum CommitError {
    /// Somebody has changed the workload; the watch will show how.
    #[error("the workload has changed meanwhile; the status is computed anew")]
    Conflict,
    /// The write was refused, or nobody knows whether it was carried out.
    #[error("the status could not be written: {0}")]
    Write(Failure),
}

/// An own status write that the watch has not shown yet. A write's own reply counts as read back.
#[derive(Clone, Debug)]
pub(super) struct Overlay {
    /// Versions that are older than the write.
    superseded: Vec<String>,
    committed: Committed,
}

impl Overlay {
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
    /// When news of that kind may be written; none if it may be at `now`.
    pub(super) fn due(self, news: News, now: Timestamp) -> Option<Timestamp> {
        let least = if news == News::Urgent { URGENT } else { TOLD };
        let millis = i64::try_from(self.bytes * 1000 / BYTES_A_SECOND).unwrap_or(i64::MAX);
        // Numbers and sizes are few bytes more than what is told: they wait for no large status.
        let size = if news == News::Urgent { least } else { SignedDuration::from_millis(millis) };
        self.at?.checked_add(least.max(size)).ok().filter(|due| *due > now)
    }
}

/// What is committed after a pass, and what of it is new.
pub(super) struct Written {
    pub(super) committed: Committed,
    /// What the write has counted; none if nothing was written.
    pub(super) counted: Option<Counted>,
    /// When what was not written yet may be.
    pub(super) due: Option<Timestamp>,
    /// Whether something that others follow from waits to be written: what is committed is no longer what is wanted.
    pub(super) is_outdated: bool,
}

/// Writes what was decided, if it is new and its time has come.
pub(super) async fn commit<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: Committed,
    decision: Decision,
    memory: &Locked<Memory>,
) -> Result<Written, CommitError> {
    let Decision { status, account, news, reserved, .. } = decision;
    if news == News::None {
        return Ok(Written { committed: before, counted: None, due: None, is_outdated: false });
    }
    let due = memory.lock().pace.due(news, cluster.now());
    if due.is_some() {
        memory.lock().uncommitted = Some((before.version.clone(), account));
        return Ok(Written { committed: before, counted: None, due, is_outdated: news == News::Urgent });
    }
    let body = json!(status);
    let bytes = body.to_string().len();
    let call = call::write_status(&subject.site.namespace, &subject.site.owner, &before.version, &body);
    match cluster.send(call).await {
        Ok(reply) => {
            let version = reply["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
            let committed = Committed { version, status, ledger: account.ledger.clone() };
            let mut memory = memory.lock();
            memory.pace = Pace { at: Some(cluster.now()), bytes };
            memory.committed(&before.version, &committed, reserved);
            let counted = account.acknowledge(&mut memory.tracker, cluster.now());
            Ok(Written { committed, counted: Some(counted), due: None, is_outdated: false })
        }
        Err(failure) => {
            let mut memory = memory.lock();
            account.discard(&mut memory.tracker, cluster.now());
            if failure.is_conflict() || failure.is_not_found() {
                // Whatever was believed of this workload is old: only the watch may tell.
                memory.overlay = None;
                return Err(CommitError::Conflict);
            }
            Err(CommitError::Write(failure))
        }
    }
}

impl Memory {
    fn committed(&mut self, replaced: &str, committed: &Committed, reserved: RangeInclusive<u64>) {
        let mut superseded = self.overlay.take().map(|overlay| overlay.superseded).unwrap_or_default();
        superseded.push(replaced.to_owned());
        self.overlay = Some(Overlay { superseded, committed: committed.clone() });
        self.replicas.numbers.reserve(reserved);
    }

    /// What is counted on top of `committed`: what an earlier pass has left uncommitted, if that was on top of the same.
    pub(super) fn account_on(&mut self, committed: &Committed, now: Timestamp) -> Account {
        match self.uncommitted.take() {
            Some((version, account)) if version == committed.version => account,
            Some((_, outdated)) => {
                outdated.discard(&mut self.tracker, now);
                Account::on(committed.ledger.clone())
            }
            None => Account::on(committed.ledger.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: usize, news: News, millis: i64, expect: Option<i64>) {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let pace = Pace { at: Some(at(0)), bytes };
        assert_eq!(pace.due(news, at(millis)), expect.map(at), "{bytes} bytes, {news:?} after {millis} ms");
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
