//! The revisions among which the Pods of a workload are shared out, where that is more than one: a rollout is under
//! way, stuck, paused or held by the gate.

use hooked_crd::RevisionStatus;

use crate::counts::{Counts, HEADINGS};
use crate::render::{Cut, Line, Tone, table};

/// A table of the revisions that have Pods or are to have some, in the order in which they come; nothing where that is
/// one alone, of which the replicas of the workload tell all.
pub(super) fn shares(revisions: &[RevisionStatus]) -> Vec<Line> {
    let rows = revisions.iter().map(|row| (row, Counts::of_row(row)));
    let sharing: Vec<_> = rows.filter(|(_, counts)| counts.has_share()).collect();
    if sharing.len() < 2 {
        return Vec::new();
    }
    let headings: Vec<(&str, Cut)> =
        [("REVISION", Cut::Never), ("NAME", Cut::Never)].into_iter().chain(HEADINGS).collect();
    let cells = |(row, counts): &(&RevisionStatus, Counts)| {
        let number = row.number.map_or_else(String::new, |number| number.to_string());
        let named = [(Tone::Plain, number), (Tone::Plain, row.revision.clone())];
        named.into_iter().chain(counts.cells()).collect()
    };
    let cells: Vec<_> = sharing.iter().map(cells).collect();
    table(&headings, &cells, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of revisions, each as its name, its number, how many Pods it is to have, and how many there are.
    fn check(revisions: &[(&str, Option<i64>, i32, i32)], expect: &[&str]) {
        let row = |(revision, number, desired, replicas): &(&str, Option<i64>, i32, i32)| RevisionStatus {
            revision: (*revision).to_owned(),
            number: *number,
            desired: *desired,
            replicas: *replicas,
            ready: *replicas,
            available: 0,
        };
        let rows: Vec<RevisionStatus> = revisions.iter().map(row).collect();
        let lines: Vec<String> = shares(&rows).iter().map(|line| line.text(false)).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_workload_of_one_revision_is_quiet() {
        check(&[], &[]);
        check(&[("new", Some(2), 3, 3)], &[]);
        check(&[("new", Some(2), 3, 0), ("old", Some(1), 0, 0)], &[]);
    }

    #[test]
    fn revisions_that_share_the_pods_are_a_table_newest_first() {
        check(
            &[("new", Some(12), 1, 0), ("old", None, 3, 4)],
            &[
                "REVISION  NAME  DESIRED  CURRENT  READY  AVAILABLE",
                "12        new   1        0        0      0",
                "          old   3        4        4      0",
            ],
        );
        // One of the two may have nothing but a size, or nothing but Pods.
        check(
            &[("new", Some(2), 1, 0), ("old", Some(1), 0, 1)],
            &[
                "REVISION  NAME  DESIRED  CURRENT  READY  AVAILABLE",
                "2         new   1        0        0      0",
                "1         old   0        1        1      0",
            ],
        );
    }
}
