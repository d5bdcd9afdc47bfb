//! A workload whose Pods another operator of the cluster makes, and whose hooks that one counts.

use std::sync::Arc;

use super::left_to::LeftTo;
use super::{Cluster, Locked, Memory};
use crate::accounting::Tracker;
use crate::status::left_to;

/// Leaves a workload alone, tells so once, and forgets what watches have shown of its hooks.
pub(super) async fn leave_to<C: Cluster>(
    cluster: &C,
    operator: &Arc<str>,
    generation: i64,
    memory: &Locked<Memory>,
) {
    let is_told = {
        let mut memory = memory.lock();
        memory.tracker = Tracker::default();
        (memory.uncommitted, memory.overlay) = (None, None);
        let left = LeftTo { operator: Arc::clone(operator), generation };
        memory.left_to.replace(left.clone()) == Some(left)
    };
    if !is_told {
        cluster.show_left_to(operator);
        cluster.tell(vec![left_to(operator, cluster.operator())]).await;
    }
}
