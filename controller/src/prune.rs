//! Letting go of old revisions that nobody asks to keep.

use hooked_core::names;
use hooked_core::workload::desired::Desired;
use hooked_core::workload::revision::{Stored, expendable};
use hooked_core::workload::template::Owner;
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};

use crate::context::Context;
use crate::request;
use crate::revise::{is_owned, revision_name};

/// Removes old revisions beyond the limit, but none that `has_pods`. Called whenever a rollout is complete, also long after:
/// the last old Pod goes later, and the limit may be lowered alone. What is stored is remembered, so that it costs a request
/// only where something is to be removed, or may be. A failure is made up for by the next pass.
pub(crate) async fn prune(
    context: &Context,
    namespace: &str,
    owner: &Owner,
    desired: &Desired,
    has_pods: impl Fn(&str) -> bool,
) -> Result<(), kube::Error> {
    let excess = |stored: &[Stored]| {
        let excess = expendable(stored, &desired.revision, desired.revision_history_limit, &has_pods);
        excess.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    if context.histories.lock().get(&owner.uid).is_some_and(|known| excess(known).is_empty()) {
        return Ok(());
    }
    let revisions: Api<ControllerRevision> = Api::namespaced(context.client.clone(), namespace);
    let mut stored = stored(&revisions, owner).await?;
    for revision in excess(&stored) {
        // Whoever goes back to its template stores it again.
        context.stored.lock().remove(&(owner.uid.clone(), revision.clone()));
        match revisions.delete(&revision_name(owner, &revision), &DeleteParams::default()).await {
            Err(error) if !request::is_not_found(&error) => return Err(error),
            _ => stored.retain(|stored| stored.revision != revision),
        }
    }
    context.histories.lock().insert(owner.uid.clone(), stored);
    Ok(())
}

/// The revisions of a workload that are stored.
async fn stored(revisions: &Api<ControllerRevision>, owner: &Owner) -> Result<Vec<Stored>, kube::Error> {
    let ours = ListParams::default().labels(&format!("{}={}", names::WORKLOAD_UID_LABEL, owner.uid));
    let listed = revisions.list(&ours).await?.items.into_iter().filter(|stored| is_owned(stored, owner));
    let stored = listed.filter_map(|stored| {
        let revision = stored.labels().get(names::REVISION_LABEL)?.clone();
        Some(Stored { revision, number: stored.revision })
    });
    Ok(stored.collect())
}
