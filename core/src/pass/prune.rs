//! Removing old revisions that nobody asks to keep.

use super::act::delete_all;
use super::overlay::Committed;
use super::prepare::Prepared;
use super::stored::stored;
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::workload::fill::PodRef;
use crate::workload::revision::expendable;

/// Removes old revisions beyond the limit, but none that anything committed names or of which Pods have not ended.
/// Pods that have ended go with their revision, as a ReplicaSet's do. What is stored is remembered, so that it costs
/// a request only where something is to be removed. A failure is made up for by the next pass.
pub(super) async fn prune<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    prepared: &Prepared,
    committed: &Committed,
    memory: &Locked<Memory>,
) -> Result<(), Failure> {
    let stored = stored(cluster, subject, memory).await?;
    let limit = prepared.desired.revision_history_limit;
    let asked = &prepared.desired.asked.name;
    let excess: Vec<String> = {
        let memory = memory.lock();
        let is_used = |revision: &str| is_used(revision, committed, &memory);
        expendable(&stored, asked, limit, is_used).into_iter().map(str::to_owned).collect()
    };
    for revision in excess {
        if !delete_ended(cluster, &subject.site, &revision, memory).await {
            continue;
        }
        match cluster
            .send(call::delete_revision(&subject.site.namespace, &subject.site.owner, &revision))
            .await
        {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => memory.lock().revisions.forget(&revision),
        }
    }
    Ok(())
}

/// Asks for the deletion of what has ended of a revision; true if all of it is asked for. The revision goes after it:
/// nobody would ask any more.
async fn delete_ended<C: Cluster>(cluster: &C, site: &Site, revision: &str, memory: &Locked<Memory>) -> bool {
    let ended = {
        let memory = memory.lock();
        let ended = memory.replicas.ended().filter(|fact| *fact.revision == *revision && !fact.deleting);
        ended.filter_map(PodRef::of).collect::<Vec<_>>()
    };
    delete_all(cluster, site, ended, memory).await.is_ok()
}

/// Whether anything committed names the revision, or Pods of it have not ended.
fn is_used(revision: &str, committed: &Committed, memory: &Memory) -> bool {
    let named = [&committed.status.current_revision, &committed.status.update_revision];
    named.into_iter().flatten().any(|named| named == revision)
        || committed.ledger.gate.as_ref().is_some_and(|gate| *gate.revision == *revision)
        || committed.ledger.sizes.as_ref().is_some_and(|sizes| sizes.get(revision) > 0)
        || memory.replicas.revision(revision).unfinished() > 0
        || memory.newcomers.facts().any(|fact| *fact.revision == *revision)
}

impl Memory {
    /// Forgets what is known of revisions that are neither asked for nor used.
    pub(super) fn forget_unused_revisions(&mut self, prepared: &Prepared, committed: &Committed) {
        let (asked, target) = (&prepared.desired.asked.name, prepared.target.revision());
        let mut revisions = std::mem::take(&mut self.revisions);
        revisions.retain(|revision| {
            *revision == **asked
                || target.is_some_and(|target| *revision == **target)
                || is_used(revision, committed, self)
        });
        self.revisions = revisions;
    }
}
