//! Taking over a stored revision that nobody controls: a workload that leaves its Pods behind leaves its
//! revisions too.

use super::subject::Site;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::names;
use crate::workload::revision::{Revision, Stored};

/// The stored revision of that name, if it is the workload's or becomes the workload's now; none if there is
/// none, or if somebody else controls it.
pub(super) async fn adopt_revision<C: Cluster>(
    cluster: &C,
    site: &Site,
    revision: &str,
    memory: &Locked<Memory>,
) -> Result<Option<Stored>, Failure> {
    let Site { namespace, owner } = site;
    let mut found = match cluster.send(call::read_revision(namespace, owner, revision)).await {
        Ok(found) => found,
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let metadata = &found["metadata"];
    let is_named = metadata["labels"][names::REVISION_LABEL] == *revision;
    let is_free = is_named && metadata["ownerReferences"].as_array().is_none_or(Vec::is_empty);
    let is_readable = || Revision::of_data(revision, &found["data"]).is_ok();
    if is_free
        && metadata["deletionTimestamp"].is_null()
        && is_readable()
        && is_still_there(cluster, site).await?
    {
        let text = |field: &str| metadata[field].as_str().unwrap_or_default();
        let of = (text("uid"), text("resourceVersion"));
        match cluster.send(call::adopt_revision(namespace, owner, revision, of)).await {
            Ok(adopted) => found = adopted,
            // What the server refuses for good stays nobody's: no Pod waits for it.
            Err(failure) if is_for_good(&failure) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
    let known = Stored::of_object(&found, &owner.uid).filter(|known| known.revision == revision);
    if let Some(known) = &known {
        let mut memory = memory.lock();
        memory.candidates.is_stored(revision);
        memory.revisions.remember(known.clone());
    }
    Ok(known)
}

fn is_for_good(failure: &Failure) -> bool {
    failure.refusal().is_some() && !failure.is_conflict() && !failure.is_not_found()
}

/// Whether the workload is there and stays, as the API server knows it now: what is deleted takes nothing over
/// (`RecheckDeletionTimestamp` in `kubernetes/pkg/controller/controller_ref_manager.go`).
pub(super) async fn is_still_there<C: Cluster>(cluster: &C, site: &Site) -> Result<bool, Failure> {
    match cluster.send(call::find_workload(&site.namespace, &site.owner.name)).await {
        Ok(found) => {
            let metadata = &found["metadata"];
            Ok(metadata["uid"] == *site.owner.uid && metadata["deletionTimestamp"].is_null())
        }
        Err(failure) if failure.is_not_found() => Ok(false),
        Err(failure) => Err(failure),
    }
}
