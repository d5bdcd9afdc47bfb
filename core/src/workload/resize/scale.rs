//! Giving out a change of `spec.replicas` to the revisions there are, in proportion (`sync.go`, `scale`).

use std::sync::Arc;

use crate::accounting::ledger::{Sizes, Total};
use crate::mutation::{Mutation, mutated};
use crate::workload::desired::Strategy;
use crate::workload::target::Why;

use super::basis::Basis;

/// Scales if the total has changed since the sizes were made, and whenever no rollout goes on. Where hooks of the new
/// revision fail, nothing comes of that alone: its Pods are not to be more.
pub(super) fn scale(sizes: &mut Sizes, basis: &Basis<'_>) {
    let replicas = basis.desired.replicas;
    let (has_changed, is_held) = (sizes.made_for.replicas != replicas, basis.target.held_by().is_some());
    let is_gated = basis.target.held_by() == Some(&Why::Gated);
    if (!has_changed && (!is_held || is_gated)) || mutated(Mutation::ScaleIgnored) {
        return;
    }
    let active: Vec<Arc<str>> =
        sizes.iter().filter(|(_, size)| *size > 0).map(|(revision, _)| Arc::clone(revision)).collect();
    match active.as_slice() {
        // A rollout grows its new revision by itself.
        [] => {
            let may_come = |new: &str| basis.desired.strategy != Strategy::Recreate || !basis.others_run(new);
            // Where nothing was ever rolled to, of Pods that were taken over while it is paused, say, the newest grows.
            let newest = basis.target.revision().or_else(|| Some(sizes.iter().next_back()?.0));
            if let Some(newest) = newest.filter(|new| is_held && may_come(new)).cloned() {
                sizes.set(&newest, replicas);
            }
        }
        [only] => sizes.set(only, replicas),
        _ if !has_changed && is_saturated(sizes, basis) => {
            for revision in active.iter().filter(|revision| ***revision != *basis.desired.asked.name) {
                sizes.set(revision, 0);
            }
        }
        // Only a rolling update has more than one revision with Pods for long.
        _ => {
            if let Strategy::RollingUpdate { .. } = basis.desired.strategy {
                in_proportion(sizes, basis);
            }
        }
    }
}

/// Whether all Pods of the revision that is asked for are there and serve.
fn is_saturated(sizes: &Sizes, basis: &Basis<'_>) -> bool {
    let (asked, replicas) = (&*basis.desired.asked.name, basis.desired.replicas);
    sizes.get(asked) == replicas && basis.available(asked, replicas) == replicas
}

/// Each revision gets its share of what is added or taken, the largest first; what rounding leaves goes to
/// the first.
fn in_proportion(sizes: &mut Sizes, basis: &Basis<'_>) {
    let Total { replicas, most } = basis.total();
    let allowed = if replicas > 0 { most } else { 0 };
    let to_add = i64::from(allowed) - i64::from(sizes.total());
    let mut order: Vec<(usize, Arc<str>, u32)> =
        sizes.iter().enumerate().map(|(age, (revision, size))| (age, Arc::clone(revision), size)).collect();
    // Of equally large ones the newer grows first, and the older shrinks first.
    order.sort_by_key(|(age, _, size)| {
        let age = i64::try_from(*age).unwrap_or(i64::MAX);
        (std::cmp::Reverse(*size), if to_add > 0 { -age } else { age })
    });
    let mut added = 0;
    let mut shares: Vec<(Arc<str>, i64)> = Vec::new();
    for (_, revision, size) in order {
        let share = share(size, sizes.made_for, basis.total(), to_add, added);
        added += share;
        shares.push((revision, i64::from(size) + share));
    }
    if let Some((_, first)) = shares.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    for (revision, size) in shares {
        sizes.set(&revision, u32::try_from(size).unwrap_or(0));
    }
}

/// What a revision of that size gets (`GetReplicaSetProportion` and `getReplicaSetFraction`).
fn share(size: u32, before: Total, now: Total, to_add: i64, added: i64) -> i64 {
    if size == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = if now.replicas == 0 {
        -i64::from(size)
    } else {
        rounded(i64::from(size) * i64::from(now.most), i64::from(before.most.max(1))) - i64::from(size)
    };
    let allowed = to_add - added;
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

/// The quotient of two positive numbers, rounded to the nearest, halves up.
fn rounded(dividend: i64, divisor: i64) -> i64 {
    (2 * dividend + divisor) / (2 * divisor)
}
