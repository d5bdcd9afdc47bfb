//! How many Pods each revision is to have: the Deployment's part, `scale` and then `roll`; and `keep`, which
//! is ours.
//!
//! The rules are those of `kubernetes/pkg/controller/deployment/{sync,rolling,recreate}.go`, applied to sizes
//! that stand in the ledger rather than in `ReplicaSet` objects.

mod basis;
mod keep;
mod roll;
mod scale;
#[cfg(test)]
mod tests;

use crate::accounting::ledger::{Sizes, Total};
use crate::mutation::{Mutation, mutated};

use super::replicas::Replicas;
use super::target::{Leaving, Why};

pub use basis::Basis;

/// The sizes that follow from `sizes`.
pub fn resize(sizes: Option<&Sizes>, basis: &Basis<'_>) -> Sizes {
    let mut sizes = sizes.cloned().unwrap_or_else(|| of_counts(basis.replicas));
    let made_for = basis.total();
    match basis.target.held_by() {
        Some(Why::Leaving(Leaving::WithPods)) => {
            for (revision, _) in sizes.clone().iter() {
                sizes.set(revision, 0);
            }
        }
        Some(Why::Leaving(Leaving::WithoutPods)) => return sizes,
        held => {
            scale::scale(&mut sizes, basis);
            if held.is_none() || mutated(Mutation::PauseIgnored) {
                roll::roll(&mut sizes, basis);
            }
            keep::keep(&mut sizes, basis);
        }
    }
    sizes.made_for = made_for;
    let (replicas, target) = (basis.replicas, basis.target.revision());
    let kept = sizes.clone();
    sizes.retain(|revision| {
        kept.get(revision) > 0
            || replicas.revision(revision).all() > 0
            || target.is_some_and(|target| **target == *revision)
    });
    sizes
}

/// A ledger without sizes is one of before there were any, or of a workload that has none yet: each revision
/// is to have the Pods that it has, and what is missing is given out once.
fn of_counts(replicas: &Replicas) -> Sizes {
    let count = |pods: usize| u32::try_from(pods).unwrap_or(u32::MAX);
    // The revision whose first Pod is older is the older one.
    let mut revisions: Vec<_> = replicas.revisions().filter(|(_, counts)| counts.alive() > 0).collect();
    let first =
        |revision: &str| replicas.iter().find(|fact| *fact.revision == *revision).map(|fact| fact.number);
    revisions.sort_by_key(|(revision, _)| first(revision));
    let of = revisions.into_iter().map(|(revision, counts)| (revision.clone(), count(counts.alive())));
    let mut sizes = Sizes::new(of.collect(), Total::default());
    let total = sizes.total();
    sizes.made_for = Total { replicas: total, most: total };
    sizes
}
