//! Revisions: each template that was ever rolled out is stored, so that Pods of an earlier one can be
//! replaced and a user can go back.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::equate::equate;
use super::overlay::Committed;
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::workload::desired::{Desired, DesiredError};
use crate::workload::revision::{Revision, Stored, fingerprint, newest};

/// Why a revision could not be stored or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The spec cannot be read.
    #[error(transparent)]
    Desired(#[from] DesiredError),
    /// The revision that is asked for is not known to be stored.
    #[error("revision {0} could not be stored: {1}")]
    Store(Arc<str>, Failure),
    /// A revision of which Pods are to be made is not known.
    #[error("revision {0}, of which there are Pods, could not be read: {1}")]
    Read(Arc<str>, Failure),
}

/// Stores the revision that is asked for, and returns what is desired with the number of collisions that its
/// name took.
pub(super) async fn store<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<(Desired, i32), StoreError> {
    let mut collisions = before.status.collision_count.unwrap_or(0);
    loop {
        let mut desired = Desired::from_spec(&subject.workload.spec, collisions)?;
        let name = Arc::clone(&desired.asked.name);
        let failed = |failure| StoreError::Store(Arc::clone(&name), failure);
        equate(cluster, subject, before, &mut desired, memory).await?;
        if store_as(cluster, subject, &desired.asked, memory).await.map_err(failed)? {
            return Ok((desired, collisions));
        }
        collisions += 1;
    }
}

/// Stores a revision under its name as the newest; false if another template has taken the name.
async fn store_as<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    asked: &Revision,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let data = asked.data();
    let all = stored(cluster, subject, memory).await?;
    let wanted = Stored {
        revision: asked.name.to_string(),
        number: newest(&all, &asked.name),
        data: fingerprint(&data),
        essence: asked.essence(),
        change_cause: subject.change_cause().map(str::to_owned),
    };
    let known = all.into_iter().find(|known| known.revision == wanted.revision);
    match known {
        Some(known) if known.data != wanted.data => Ok(false),
        Some(known) if !is_behind(&known, &wanted) => Ok(true),
        Some(known) => {
            // A number never falls, and a cause is not forgotten because its annotation is taken away.
            let number = known.number.max(wanted.number);
            let marked = Stored { number, change_cause: wanted.change_cause.or(known.change_cause), ..known };
            if mark(cluster, subject, &marked, memory).await? {
                return Ok(true);
            }
            create(cluster, subject, marked, &data, memory).await
        }
        None => create(cluster, subject, wanted, &data, memory).await,
    }
}

/// Whether a revision that is rolled out does not say yet that it is the newest, and why.
fn is_behind(known: &Stored, wanted: &Stored) -> bool {
    let is_other_cause = wanted.change_cause.is_some() && known.change_cause != wanted.change_cause;
    known.number < wanted.number || is_other_cause
}

/// Has the object of a revision say its number and its cause. False if somebody has deleted it meanwhile.
async fn mark<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    marked: &Stored,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let Site { namespace, owner } = &subject.site;
    let Stored { revision, number, change_cause, .. } = marked;
    match cluster
        .send(call::mark_revision(namespace, owner, revision, *number, change_cause.as_deref()))
        .await
    {
        Ok(_) => {
            memory.lock().revisions.remember(marked.clone());
            Ok(true)
        }
        Err(failure) if failure.is_not_found() => {
            memory.lock().revisions.forget(revision);
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

async fn create<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    wanted: Stored,
    data: &Value,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let Site { namespace, owner } = &subject.site;
    let Stored { revision, number, change_cause, .. } = &wanted;
    let call = call::store_revision(namespace, owner, revision, *number, change_cause.as_deref(), data);
    let known = match cluster.send(call).await {
        Ok(_) => wanted,
        Err(failure) if failure.is_conflict() => {
            // An own create whose reply was lost, or somebody else's object.
            let found = cluster.send(call::read_revision(namespace, owner, revision)).await?;
            match Stored::of_object(&found, &owner.uid) {
                Some(known) if known.data == wanted.data => known,
                _ => return Ok(false),
            }
        }
        Err(failure) => return Err(failure),
    };
    memory.lock().revisions.remember(known);
    Ok(true)
}

/// The revisions that are stored of the workload; looked up once.
pub(super) async fn stored<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    memory: &Locked<Memory>,
) -> Result<Vec<Stored>, Failure> {
    if let Some(stored) = memory.lock().revisions.stored.clone() {
        return Ok(stored);
    }
    let list = cluster.send(call::list_revisions(&subject.site.namespace, &subject.site.owner)).await?;
    let items = list["items"].as_array().into_iter().flatten();
    let stored: Vec<Stored> =
        items.filter_map(|item| Stored::of_object(item, &subject.site.owner.uid)).collect();
    memory.lock().revisions.stored = Some(stored.clone());
    Ok(stored)
}

/// A revision of which there are Pods, or of which there are to be some. None if somebody has deleted it, or
/// if it cannot be read: no Pod can be made of it any more.
pub(super) async fn read<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    revision: &Arc<str>,
    memory: &Locked<Memory>,
) -> Result<Option<Arc<Revision>>, StoreError> {
    if let Some(known) = memory.lock().revisions.read.get(revision) {
        return Ok(Some(Arc::clone(known)));
    }
    let Site { namespace, owner } = &subject.site;
    let found = match cluster.send(call::read_revision(namespace, owner, revision)).await {
        Ok(object) => {
            let is_ours = Stored::of_object(&object, &owner.uid).is_some();
            Revision::of_data(revision, &object["data"]).ok().filter(|_| is_ours)
        }
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(StoreError::Read(Arc::clone(revision), failure)),
    };
    let mut memory = memory.lock();
    let Some(found) = found.map(Arc::new) else {
        memory.revisions.lost.insert(Arc::clone(revision));
        return Ok(None);
    };
    memory.revisions.read.insert(Arc::clone(revision), Arc::clone(&found));
    Ok(Some(found))
}
