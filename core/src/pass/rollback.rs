//! Going back where the user asks for it by an annotation: one patch changes the template and takes the annotation
//! off, and the pass that the change causes rolls it out as any other. Whoever cannot go back is told why, and
//! asked no more.

use serde_json::Value;
use thiserror::Error;

use super::overlay::Committed;
use super::store::stored;
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::names::ROLLBACK_ANNOTATION;
use crate::status::{no_rollback, refused_rollback, rolled_back};
use crate::workload::revision::{self, NoEarlier, Present, Stored, ask_no_rollback, earlier};

/// Why a workload that is to go back was neither changed nor told why not.
#[derive(Debug, Error)]
pub enum RollbackError {
    /// Somebody has changed the workload; the watch will show how.
    #[error("the workload has changed meanwhile; what it is to go back to is looked up anew")]
    Conflict,
    /// The revisions that are stored could not be read.
    #[error("the revision to go back to could not be read: {0}")]
    Read(Failure),
    /// The patch was refused, or nobody knows whether it was carried out.
    #[error("the workload could not be taken back to an earlier revision: {0}")]
    Patch(Failure),
    /// Not even the annotation may be taken off.
    #[error("the annotation that asks for a rollback could not be removed: {0}")]
    Refused(String),
}

/// Takes the workload back if its annotation asks for that. True if the workload was changed: the watch will show it.
pub(super) async fn rollback<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<bool, RollbackError> {
    let Some(wanted) = subject.annotation(ROLLBACK_ANNOTATION).filter(|_| subject.leaving.is_none()) else {
        return Ok(false);
    };
    let present = Present::of(&subject.workload.spec);
    let (workload, version) = (subject.workload, &*before.version);
    let notice = match choose(cluster, subject, present, wanted, memory).await? {
        Err(why) => no_rollback(&why),
        Ok((stored, object)) => {
            match change(cluster, subject, version, revision::rollback(workload, version, &object)).await? {
                Changed::Done => {
                    cluster.tell(vec![rolled_back(&stored)]).await;
                    return Ok(true);
                }
                Changed::Refused(words) => refused_rollback(&stored, &words),
            }
        }
    };
    match change(cluster, subject, version, ask_no_rollback(workload, version)).await? {
        Changed::Done => cluster.tell(vec![notice]).await,
        Changed::Refused(words) => return Err(RollbackError::Refused(words)),
    }
    Ok(true)
}

/// The stored revision that is meant and its object, or why there is none.
async fn choose<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    present: Present,
    wanted: &str,
    memory: &Locked<Memory>,
) -> Result<Result<(Stored, Value), NoEarlier>, RollbackError> {
    let Site { namespace, owner } = &subject.site;
    loop {
        let all = stored(cluster, subject, memory).await.map_err(RollbackError::Read)?;
        let chosen = match earlier(&all, present, wanted) {
            Ok(chosen) => chosen,
            Err(why) => return Ok(Err(why)),
        };
        let object = match cluster.send(call::read_revision(namespace, owner, &chosen.revision)).await {
            Ok(object) => object,
            Err(failure) if failure.is_not_found() => Value::Null,
            Err(failure) => return Err(RollbackError::Read(failure)),
        };
        match Stored::of_object(&object, &owner.uid) {
            Some(found) => return Ok(Ok((found, object))),
            // Somebody has deleted it: another may be meant.
            None => memory.lock().revisions.forget(&chosen.revision),
        }
    }
}

/// What became of a patch of the workload.
enum Changed {
    Done,
    /// The API server refuses it, in these words, and always will.
    Refused(String),
}

async fn change<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    version: &str,
    patch: Value,
) -> Result<Changed, RollbackError> {
    let Site { namespace, owner } = &subject.site;
    let reply = cluster.send(call::patch_workload(namespace, &owner.name, patch)).await;
    let Err(failure) = reply else { return Ok(Changed::Done) };
    if failure.is_conflict() || failure.is_not_found() {
        return Err(RollbackError::Conflict);
    }
    let Some(refused) = failure.refusal().filter(|refused| refused.code == 422) else {
        return Err(RollbackError::Patch(failure));
    };
    if refused.causes.is_empty() {
        // A test of the patch that fails is answered so, and perhaps something else too.
        let read = call::read_workload(namespace, &owner.name);
        let now = cluster.send(read).await.map_err(RollbackError::Read)?;
        if now["metadata"]["resourceVersion"] != version {
            return Err(RollbackError::Conflict);
        }
    }
    Ok(Changed::Refused(refused.message.clone()))
}
