//! The only status write. It is conditional on the version that everything was computed from, so nothing is
//! counted twice; and everything that is done to Pods follows from it, so nothing is done that nobody
//! remembers.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::decide::Decision;
use super::dropped::dropped_field;
use super::overlay::{Committed, Overlay, Pace};
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::accounting::Account;
use crate::accounting::ledger::Counted;
use crate::lifecycle::PodUid;
use crate::mutation::{Mutation, mutated};
use crate::status::News;

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

/// What is committed after a pass, and what of it is new.
pub(super) struct Written {
    pub(super) committed: Committed,
    /// What the write says that was not said before; none if nothing was written.
    pub(super) told: Option<Told>,
    /// When what was not written yet may be.
    pub(super) due: Option<Timestamp>,
    /// Whether something that others follow from waits to be written: what is committed is no longer what is wanted.
    pub(super) is_outdated: bool,
}

/// What a write says that was not said before.
pub(super) struct Told {
    /// What it has replaced.
    pub(super) before: Committed,
    /// What it has counted.
    pub(super) counted: Counted,
}

/// Writes what was decided, if it is new and its time has come.
pub(super) async fn commit<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: Committed,
    decision: Decision,
    memory: &Locked<Memory>,
) -> Result<Written, CommitError> {
    let Decision { status, account, news, reserved, claims } = decision;
    if news == News::None {
        return Ok(Written { committed: before, told: None, due: None, is_outdated: false });
    }
    let due = memory.lock().pace.due(news, cluster.now());
    if due.is_some() {
        if mutated(Mutation::CountedBeforeCommit) {
            account.clone().acknowledge(&mut memory.lock().tracker, cluster.now());
        }
        if !mutated(Mutation::PacedCountsAreDropped) {
            memory.lock().uncommitted = Some((before.version.clone(), account));
        }
        return Ok(Written { committed: before, told: None, due, is_outdated: news == News::Urgent });
    }
    let body = json!(status);
    let bytes = body.to_string().len();
    let mut version = before.version.clone();
    if mutated(Mutation::CommitsOverAnother) {
        let call = call::read_workload(&subject.site.namespace, &subject.site.owner.name);
        let latest = cluster.send(call).await.map_err(CommitError::Write)?;
        latest["metadata"]["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut version);
    }
    match write(cluster, subject, &version, &body).await {
        Ok(reply) => {
            let version = reply["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
            let committed = Committed { version, status, ledger: account.ledger.clone() };
            let mut memory = memory.lock();
            memory.pace = Pace::of_write(cluster.now(), bytes);
            memory.committed(&before.version, &committed, reserved, &claims);
            let counted = account.acknowledge(&mut memory.tracker, cluster.now());
            let told = Some(Told { before, counted });
            Ok(Written { committed, told, due: None, is_outdated: false })
        }
        Err(failure) => {
            let mut memory = memory.lock();
            if mutated(Mutation::LostCommitIsCommitted) && !failure.is_certain() {
                account.acknowledge(&mut memory.tracker, cluster.now());
            } else if !mutated(Mutation::FailedCommitIsForgotten) {
                account.discard(&mut memory.tracker, cluster.now());
            }
            if failure.is_conflict() || failure.is_not_found() {
                // Whatever was believed of this workload is old: only the watch may tell.
                memory.overlay = None;
                return Err(CommitError::Conflict);
            }
            Err(CommitError::Write(failure))
        }
    }
}

/// Writes the status at just this version. Where that is in doubt, the reply tells too what the definition keeps of it.
async fn write<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    version: &str,
    body: &Value,
) -> Result<Value, Failure> {
    let mut call = call::write_status(&subject.site.namespace, &subject.site.owner, version, body);
    if !cluster.doubts_definition() {
        return cluster.send(call).await;
    }
    call.reply = call::Reply::Whole;
    let reply = cluster.send(call).await?;
    cluster.show_definition(dropped_field(body, &reply["status"]));
    Ok(reply)
}

impl Memory {
    fn committed(
        &mut self,
        replaced: &str,
        committed: &Committed,
        reserved: RangeInclusive<u64>,
        claims: &[(PodUid, u64)],
    ) {
        self.newcomers.assign(claims);
        self.high_water = Some(committed.ledger.high_water);
        self.overlay = Some(Overlay::of_write(self.overlay.take(), replaced, committed.clone()));
        self.replicas.numbers.reserve(reserved);
    }

    /// What is counted on top of `committed`: what an earlier pass has left uncommitted, if that was on top
    /// of the same.
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
