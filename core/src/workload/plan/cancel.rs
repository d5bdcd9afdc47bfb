//! Which Pods' hooks are to be stopped.

use super::PodRef;
use crate::workload::tally::PodSet;

/// Pods that are to go while a postStart hook runs in them: the kubelet waits for it, for ever if need be, and stops
/// nothing before. A preStop hook is left to run: it is what the grace period is for.
pub(super) fn cancellable(pods: &PodSet) -> Vec<PodRef> {
    pods.hanging_on().filter_map(PodRef::of).collect()
}
