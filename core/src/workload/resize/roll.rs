//! One step from old revisions to the one that is asked for (`rolling.go`, `recreate.go`).

use std::sync::Arc;

use crate::accounting::ledger::Sizes;
use crate::workload::desired::Strategy;

use super::basis::Basis;

/// Takes the next step. Nothing is due where new Pods do not serve yet, or old ones have not ended.
pub(super) fn roll(sizes: &mut Sizes, basis: &Basis<'_>) {
    let Some(new) = basis.target.revision() else { return };
    if !sizes.has(new) {
        sizes.set(new, 0);
    }
    match basis.desired.strategy {
        Strategy::Recreate => recreate(sizes, basis, new),
        Strategy::RollingUpdate { unavailable, .. } => {
            grow_new(sizes, basis, new);
            shrink_old(sizes, basis, new, unavailable);
        }
    }
}

/// All old Pods end before a new one comes.
fn recreate(sizes: &mut Sizes, basis: &Basis<'_>, new: &str) {
    for (revision, _) in old(sizes, new) {
        sizes.set(&revision, 0);
    }
    if !basis.others_run(new) {
        sizes.set(new, basis.desired.replicas);
    }
}

/// Never more than what is wanted and the surge, of all revisions together.
fn grow_new(sizes: &mut Sizes, basis: &Basis<'_>, new: &str) {
    let (size, wanted) = (sizes.get(new), basis.desired.replicas);
    let room = basis.total().most.saturating_sub(sizes.total());
    let grown = if size > wanted { wanted } else { size + room.min(wanted - size) };
    sizes.set(new, grown);
}

/// Old Pods that do not serve go first, but only as many as new Pods that do not serve yet leave room for;
/// then old Pods that serve, as long as enough do. The oldest revision gives way first.
fn shrink_old(sizes: &mut Sizes, basis: &Basis<'_>, new: &str, unavailable: u32) {
    let must_serve = basis.desired.replicas.saturating_sub(unavailable);
    let new_size = sizes.get(new);
    let new_unavailable = new_size - basis.available(new, new_size);
    let mut may_go = sizes.total().saturating_sub(must_serve).saturating_sub(new_unavailable);
    let available: u32 = sizes.iter().map(|(revision, size)| basis.available(revision, size)).sum();
    for (revision, size) in old(sizes, new) {
        let useless = (size - basis.available(&revision, size)).min(may_go);
        sizes.set(&revision, size - useless);
        may_go -= useless;
    }
    let mut spare = available.saturating_sub(must_serve).min(may_go);
    for (revision, size) in old(sizes, new) {
        let gone = size.min(spare);
        sizes.set(&revision, size - gone);
        spare -= gone;
    }
}

/// The old revisions that are to have Pods, the oldest first.
fn old(sizes: &Sizes, new: &str) -> Vec<(Arc<str>, u32)> {
    let old = sizes.iter().filter(|(revision, size)| ***revision != *new && *size > 0);
    old.map(|(revision, size)| (Arc::clone(revision), size)).collect()
}
