//! Revisions that are stored: which there are, and what they say.

use std::sync::Arc;

use thiserror::Error;

use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::workload::desired::DesiredError;
use crate::workload::revision::{Revision, Stored};

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
