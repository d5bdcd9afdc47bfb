//! Pods that must serve keep their places, whatever else the sizes are made from.

use std::sync::Arc;

use crate::accounting::ledger::Sizes;
use crate::workload::fill::Floor;

use super::basis::Basis;

/// Where the sizes would leave fewer Pods that serve than there must be, though more do serve, Pods that do
/// not serve give their places to them. Shares say nothing of who serves, and a Pod may have failed since a
/// step was taken.
///
/// Here we depart from a Deployment, which deletes such Pods. Were they only not deleted, they would be there
/// besides all that the sizes ask for, above the surge.
pub(super) fn keep(sizes: &mut Sizes, basis: &Basis<'_>) {
    let must_serve = u32::try_from(Floor::of(basis.desired, basis.now).available).unwrap_or(u32::MAX);
    let serves = |sizes: &Sizes, revision: &str| basis.available(revision, sizes.get(revision));
    let total: u32 = sizes.iter().map(|(revision, _)| serves(sizes, revision)).sum();
    let mut lacking = must_serve.saturating_sub(total);
    // The oldest gives way first, and the revision that is rolled to last.
    let target = basis.target.revision();
    let mut revisions: Vec<Arc<str>> = sizes.iter().map(|(revision, _)| Arc::clone(revision)).collect();
    revisions.sort_by_key(|revision| Some(revision) == target);
    for revision in revisions.iter().rev() {
        let size = sizes.get(revision);
        let more = (basis.available(revision, u32::MAX) - serves(sizes, revision)).min(lacking);
        let given = give_up(sizes, basis, &revisions, more);
        sizes.set(revision, size + given);
        lacking -= given;
    }
}

/// Takes so many places from Pods that do not serve; returns how many there were.
fn give_up(sizes: &mut Sizes, basis: &Basis<'_>, revisions: &[Arc<str>], places: u32) -> u32 {
    let mut left = places;
    for revision in revisions {
        let size = sizes.get(revision);
        let useless = (size - basis.available(revision, size)).min(left);
        sizes.set(revision, size - useless);
        left -= useless;
    }
    places - left
}
