//! Revisions: each template that was ever rolled out is stored, so that Pods of an earlier one can be
//! replaced and a user can go back.

use std::sync::Arc;

use serde_json::Value;

use super::adopt_revision::adopt_revision;
use super::equate::equate;
use super::overlay::Committed;
use super::stored::{StoreError, stored};
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::workload::desired::Desired;
use crate::workload::revision::{Revision, Stored, fingerprint, newest};

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
    let (newest, change_cause) = (newest(&all, &asked.name), subject.change_cause().map(str::to_owned));
    let Some(known) = all.into_iter().find(|known| *known.revision == *asked.name) else {
        let (revision, essence) = (asked.name.to_string(), asked.essence());
        let wanted = Stored { revision, number: newest, data: fingerprint(&data), essence, change_cause };
        return create(cluster, subject, wanted, &data, memory).await;
    };
    if known.data != fingerprint(&data) {
        return Ok(false);
    }
    // A number never falls, and a cause is not forgotten because its annotation is taken away.
    let (number, change_cause) =
        (known.number.max(newest), change_cause.or_else(|| known.change_cause.clone()));
    if (number, &change_cause) == (known.number, &known.change_cause) {
        return Ok(true);
    }
    let marked = Stored { number, change_cause, ..known };
    if mark(cluster, subject, &marked, memory).await? {
        return Ok(true);
    }
    create(cluster, subject, marked, &data, memory).await
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

/// Stores a revision under its name; false if another template has taken the name.
pub(super) async fn create<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    wanted: Stored,
    data: &Value,
    memory: &Locked<Memory>,
) -> Result<bool, Failure> {
    let Site { namespace, owner } = &subject.site;
    let Stored { revision, number, change_cause, .. } = &wanted;
    let call = call::store_revision(namespace, owner, revision, *number, change_cause.as_deref(), data);
    match cluster.send(call).await {
        Ok(_) => {
            let mut memory = memory.lock();
            memory.candidates.is_stored(revision);
            memory.revisions.remember(wanted);
            Ok(true)
        }
        Err(failure) if failure.is_conflict() => {
            // An own create whose reply was lost, what an earlier workload has left behind, or somebody else's object.
            let known = adopt_revision(cluster, &subject.site, revision, memory).await?;
            Ok(known.is_some_and(|known| known.data == wanted.data))
        }
        Err(failure) => Err(failure),
    }
}
