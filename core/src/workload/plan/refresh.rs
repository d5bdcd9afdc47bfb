//! Which Pods must be told where the operator is reached now.

use super::PodRef;
use crate::workload::snapshot::Snapshot;

/// The most Pods that are told in one pass: a rotation must not keep the API server from other work.
const BATCH: usize = 50;

/// Pods whose annotations say something else than where the operator is reached, and whether there are more of them. Old
/// and new certificates overlap for long, so there is time.
pub(super) fn outdated(snapshot: &Snapshot<'_>) -> (Vec<PodRef>, bool) {
    let Some(endpoint) = snapshot.live else { return (Vec::new(), false) };
    let mut outdated = snapshot.pods.outdated(endpoint.fingerprint()).filter_map(PodRef::of);
    let batch = outdated.by_ref().take(BATCH).collect();
    (batch, outdated.next().is_some())
}
