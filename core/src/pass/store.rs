//! Revisions: each template that was ever rolled out is stored, so that Pods of an earlier one can be
//! replaced and a user can go back.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::overlay::Committed;
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::names;
use crate::workload::desired::{Desired, DesiredError};
use crate::workload::revision::{Revision, Stored, fingerprint, same};

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
        name_as_stored(cluster, subject, &mut desired, memory).await.map_err(failed)?;
        if store_as(cluster, subject, before, &desired.asked, memory).await.map_err(failed)? {
            return Ok((desired, collisions));
        }
        collisions += 1;
    }
}

/// Gives the revision that is asked for the name under which its content is stored, if it is.
pub(super) async fn name_as_stored<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    desired: &mut Desired,
    memory: &Locked<Memory>,
) -> Result<(), Failure> {
    let stored = stored(cluster, subject, memory).await?;
    let asked = &mut desired.asked;
    if let Some(name) = same(&stored, &asked.name, fingerprint(&asked.data())) {
        asked.name = name.into();
    }
    Ok(())
}

/// Stores a revision under its name; false if another template has taken the name.
async fn store_as<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    asked: &Revision,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let data = asked.data();
    let known =
        stored(cluster, subject, memory).await?.into_iter().find(|known| *known.revision == *asked.name);
    match known {
        Some(known) if known.data != fingerprint(&data) => Ok(false),
        Some(known) => {
            // A revision whose gate is closed was never left, though its Pods may be rolled back.
            let is_gated = before.ledger.gate.as_ref().is_some_and(|gate| gate.revision == asked.name);
            let is_back = known.number < subject.generation
                && !is_gated
                && before.status.update_revision.as_deref() != Some(&*asked.name);
            if is_back && !renumber(cluster, subject, asked, memory).await? {
                return create(cluster, subject, asked, &data, memory).await;
            }
            Ok(true)
        }
        None => create(cluster, subject, asked, &data, memory).await,
    }
}

/// The user has gone back to a revision: it is the newest again. False if somebody has deleted it meanwhile.
async fn renumber<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    asked: &Revision,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let Subject { site: Site { namespace, owner }, generation, .. } = subject;
    match cluster.send(call::number_revision(namespace, owner, &asked.name, *generation)).await {
        Ok(_) => {}
        Err(failure) if failure.is_not_found() => {
            memory.lock().revisions.stored.iter_mut().for_each(|stored| {
                stored.retain(|known| *known.revision != *asked.name);
            });
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    }
    for known in memory.lock().revisions.stored.iter_mut().flatten() {
        if *known.revision == *asked.name {
            known.number = *generation;
        }
    }
    Ok(true)
}

async fn create<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    asked: &Revision,
    data: &Value,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let Subject { site: Site { namespace, owner }, generation, .. } = subject;
    match cluster.send(call::store_revision(namespace, owner, &asked.name, *generation, data)).await {
        Ok(_) => {}
        Err(failure) if failure.is_conflict() => {
            // An own create whose reply was lost, or somebody else's object.
            let found = cluster.send(call::read_revision(namespace, owner, &asked.name)).await?;
            let is_same = of_object(&found, &owner.uid).is_some_and(|known| known.data == fingerprint(data));
            if !is_same {
                return Ok(false);
            }
        }
        Err(failure) => return Err(failure),
    }
    let known = Stored { revision: asked.name.to_string(), number: *generation, data: fingerprint(data) };
    memory.lock().revisions.stored.get_or_insert_default().push(known);
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
    let stored: Vec<Stored> = items.filter_map(|item| of_object(item, &subject.site.owner.uid)).collect();
    memory.lock().revisions.stored = Some(stored.clone());
    Ok(stored)
}

/// A stored revision as its object says, if that belongs to the workload.
fn of_object(object: &Value, owner_uid: &str) -> Option<Stored> {
    let metadata = &object["metadata"];
    let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
    owners.any(|owner| owner["uid"] == owner_uid).then_some(())?;
    Some(Stored {
        revision: metadata["labels"][names::REVISION_LABEL].as_str()?.to_owned(),
        number: object["revision"].as_i64()?,
        data: fingerprint(&object["data"]),
    })
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
            let is_ours = of_object(&object, &owner.uid).is_some();
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
