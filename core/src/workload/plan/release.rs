//! Which Pods our finalizer lets go.

use super::PodRef;
use crate::workload::snapshot::Snapshot;

/// Pods in which nothing runs any more and of which everything is counted, as the last commit that was acknowledged
/// says. Their ordinals must be below its high-water mark, or they could be given again.
pub(super) fn releasable(snapshot: &Snapshot<'_>) -> Vec<PodRef> {
    let counted = snapshot.pods.releasable().filter(|fact| fact.ordinal <= snapshot.committed.high_water);
    counted.filter_map(PodRef::of).collect()
}
