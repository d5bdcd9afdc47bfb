//! Own creates whose reply was lost, and which are not sent again: whether they were carried out is looked up.
//!
//! A Pod of the desired revision is simply created again. One of another revision, or of a workload that leaves, would
//! be believed in for ever.

use hooked_core::workload::PodFact;

use crate::apply::{ApplyError, Site, find, is_ours};

/// Finds out about each such create, except those of the revision that is still `wanted`.
pub(crate) async fn confirm(site: Site<'_>, wanted: Option<&str>) -> Result<(), ApplyError> {
    let in_doubt: Vec<PodFact> = {
        let pods = site.pods.lock();
        pods.unconfirmed().filter(|fact| wanted != Some(&*fact.revision)).cloned().collect()
    };
    for fact in in_doubt {
        let found = find(site.client, site.namespace, &fact.name).await?;
        let mut pods = site.pods.lock();
        match found {
            Some(metadata) if is_ours(&metadata, site.owner, fact.ordinal) => {
                let uid = metadata.uid.unwrap_or_default().into();
                pods.created(PodFact { uid, ..fact });
            }
            // Where the name is somebody else's, no Pod of ours ever had the ordinal.
            None | Some(_) => pods.never_made(fact.ordinal),
        }
    }
    Ok(())
}
