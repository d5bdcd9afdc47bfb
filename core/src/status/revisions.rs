//! How many Pods of which revision there are, as `kubectl get replicasets` shows it of a Deployment.

use std::cmp::Reverse;

use hooked_crd::RevisionStatus;

use super::basis::Basis;

/// A row for each revision that has Pods or is to have some, the newest first.
pub(super) fn revisions(basis: &Basis<'_>) -> Vec<RevisionStatus> {
    let sizes = basis.ledger.sizes.as_ref();
    let is_sized = |revision: &str| sizes.is_some_and(|sizes| sizes.has(revision));
    let mut names: Vec<&str> =
        sizes.iter().flat_map(|sizes| sizes.iter().rev()).map(|(name, _)| &**name).collect();
    let unsized_ones = basis.replicas.revisions().map(|(name, _)| &**name);
    names.extend(unsized_ones.filter(|name| !is_sized(name)));
    let rows = names.into_iter().map(|name| row(basis, name));
    let mut rows: Vec<RevisionStatus> = rows.filter(|row| row.desired > 0 || row.replicas > 0).collect();
    // Sizes are in the order in which revisions first had one; a revision that is gone back to is the newest again.
    rows.sort_by_key(|row| Reverse(row.number));
    rows
}

fn row(basis: &Basis<'_>, revision: &str) -> RevisionStatus {
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let counts = basis.replicas.revision(revision);
    let size = basis.ledger.sizes.as_ref().map_or(0, |sizes| sizes.get(revision));
    RevisionStatus {
        revision: revision.to_owned(),
        number: number(basis, revision),
        desired: i32::try_from(size).unwrap_or(i32::MAX),
        replicas: count(counts.shown_alive()),
        ready: count(counts.shown_ready()),
        available: count(counts.shown_available(basis.desired.min_ready_seconds, basis.now.as_second())),
    }
}

/// The number of a revision. A process that has not looked stored revisions up says what the one before it has said.
fn number(basis: &Basis<'_>, revision: &str) -> Option<i64> {
    let stored = basis.stored.iter().find(|known| known.revision == revision).map(|known| known.number);
    let said = || basis.previous.revisions.iter().find(|row| row.revision == revision)?.number;
    stored.or_else(said)
}
