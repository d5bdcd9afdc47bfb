//! Marks: up to where the runs of each present Pod are counted.
//!
//! Most Pods of a workload are alike, so the marks are ranges of numbers. A range may span numbers that are gone:
//! the operator never gives them again. A user may: `kubectl replace --force` makes a Pod anew with all that stood on
//! the Pod. So the marks know when the youngest Pod was created that is marked, and say nothing of younger ones. In
//! the same way they know when the youngest instance was started that is marked: one that was started since is none of
//! them, whatever number the kubelet gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lifecycle::{Anew, PodMarks};
use crate::mutation::{Mutation, mutated};

/// The marks of all present Pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Ranges by their first number: the last number, and the marks that all Pods in between have.
    ranges: BTreeMap<u64, (u64, PodMarks)>,
    youngest: Youngest,
}

/// The youngest that is marked. None if an operator has written the marks that did not note it, or where nothing
/// is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Youngest {
    /// The second, by the API server's clock, in which the youngest Pod was created.
    pub created: Option<i64>,
    /// A second, by its node's clock, by which the youngest instance was started.
    pub started: Option<i64>,
}

impl Youngest {
    /// The younger of both. Where of one it is not known, it is not known of both; but where no start is known of a
    /// Pod, no instance of it has been seen.
    fn max(self, other: Self) -> Self {
        let younger = |ours: Option<i64>, theirs: Option<i64>| Some(ours?.max(theirs?));
        Self {
            created: younger(self.created, other.created),
            started: younger(self.started, other.started.or(self.started)),
        }
    }
}

impl Marks {
    /// The youngest that is marked, as far as is known.
    pub fn youngest(&self) -> Youngest {
        self.youngest
    }

    /// Takes in the youngest of those that may be marked, where the ledger does not say.
    pub fn know_youngest(&mut self, youngest: Youngest) {
        let Youngest { created, started } = self.youngest;
        self.youngest =
            Youngest { created: created.or(youngest.created), started: started.or(youngest.started) };
    }

    /// Takes in where the kubelet has begun to count anew in the Pods of the range that begins with `first`.
    pub fn count_anew(&mut self, first: u64, container: &Arc<str>, anew: Anew) {
        if let Some((_, marks)) = self.ranges.get_mut(&first) {
            marks.count_anew(container, anew);
        }
    }

    /// Whether something is marked under that number, and the Pod that has the number now was created since: the marks
    /// are of the Pod that had the number before. Within the second in which the youngest marked Pod was created, they
    /// are taken for the Pod's own.
    pub fn are_of_another(&self, number: u64, created: Option<i64>) -> bool {
        let is_younger =
            created.zip(self.youngest.created).is_some_and(|(created, youngest)| created > youngest);
        is_younger && self.covering(number).is_some_and(|(_, _, marks)| !marks.0.is_empty())
    }

    /// Takes the marks off a number.
    pub fn unmark(&mut self, number: u64) {
        self.replace(number, PodMarks::default());
    }

    /// The ranges in order: first number, last number, marks.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64, &PodMarks)> {
        self.ranges.iter().map(|(first, (last, marks))| (*first, *last, marks))
    }

    /// The numbers in all ranges, in order: those of gone Pods too where a range spans them.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges().flat_map(|(first, last, _)| first..=last)
    }

    /// The names of all containers that are marked, in order.
    pub fn containers(&self) -> Vec<Arc<str>> {
        let names = self.ranges.values().flat_map(|(_, pod)| pod.0.keys());
        names.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Adds a range as it was stored. Ranges that overlap one before are refused.
    pub fn insert(&mut self, first: u64, last: u64, marks: PodMarks) -> bool {
        let free = first <= last && self.ranges.values().next_back().is_none_or(|(end, _)| *end < first);
        if free {
            self.ranges.insert(first, (last, marks));
        }
        free
    }

    /// The marks of a Pod; empty if nothing of it is counted.
    pub fn get(&self, number: u64) -> PodMarks {
        self.covering(number).map(|(_, _, marks)| marks.clone()).unwrap_or_default()
    }

    /// Sets the marks of a Pod, of which that is the youngest. A Pod of which nothing is marked tells nothing of that.
    pub fn set(&mut self, number: u64, marks: PodMarks, of: Youngest) {
        if !marks.0.is_empty() {
            self.youngest = if self.are_empty() { of } else { self.youngest.max(of) };
        }
        self.replace(number, marks);
    }

    /// Whether nothing is marked of any Pod. Only where the youngest is not known that is looked for.
    fn are_empty(&self) -> bool {
        let is_empty = |(_, marks): &(u64, PodMarks)| marks.0.is_empty();
        self.ranges.is_empty() || self.youngest == Youngest::default() && self.ranges.values().all(is_empty)
    }

    /// Sets the marks under a number, splitting the range it was in.
    fn replace(&mut self, number: u64, marks: PodMarks) {
        if let Some((first, last, old)) = self.covering(number).map(|(f, l, m)| (f, l, m.clone())) {
            if old == marks {
                return;
            }
            self.ranges.remove(&first);
            if first < number {
                self.ranges.insert(first, (number - 1, old.clone()));
            }
            if number < last {
                self.ranges.insert(number + 1, (last, old));
            }
        }
        self.ranges.insert(number, (number, marks));
    }

    /// Drops ranges without a present Pod and joins neighbours that are alike with only gone numbers between them, or,
    /// where the marks are to be `exact`, with none. `present(first, last)` says whether a Pod has a number in that
    /// range.
    pub fn compact(&mut self, exact: bool, present: impl Fn(u64, u64) -> bool) {
        let mut joined: Vec<(u64, u64, PodMarks)> = Vec::new();
        for (first, (last, marks)) in std::mem::take(&mut self.ranges) {
            if !present(first, last) {
                continue;
            }
            match joined.last_mut() {
                Some((_, end, same))
                    if *same == marks
                        && (*end + 1 == first
                            || mutated(Mutation::MarksSpanPresentPods)
                            || !exact && !present(*end + 1, first - 1)) =>
                {
                    *end = last;
                }
                _ => joined.push((first, last, marks)),
            }
        }
        self.ranges = joined.into_iter().map(|(first, last, marks)| (first, (last, marks))).collect();
    }

    fn covering(&self, number: u64) -> Option<(u64, u64, &PodMarks)> {
        let (first, (last, marks)) = self.ranges.range(..=number).next_back()?;
        (*last >= number).then_some((*first, *last, marks))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lifecycle::Mark;

    fn marks(post_start: u32) -> PodMarks {
        PodMarks([(Arc::from("web"), Mark { post_start, ..Mark::default() })].into())
    }

    /// A Pod that was created in that second.
    fn of(created: i64) -> Youngest {
        Youngest { created: Some(created), started: None }
    }

    fn ranges(marks: &Marks) -> Vec<(u64, u64)> {
        marks.ranges().map(|(first, last, _)| (first, last)).collect()
    }

    #[test]
    fn ten_thousand_pods_that_are_alike_are_one_range() {
        let mut all = Marks::default();
        for number in 1..=10_000 {
            all.set(number, marks(1), Youngest::default());
        }
        all.compact(false, |_, _| true);
        assert_eq!(ranges(&all), [(1, 10_000)]);
    }

    #[test]
    fn gone_numbers_do_not_break_a_range_and_a_range_of_gone_numbers_goes() {
        let mut all = Marks::default();
        for number in [1, 2, 4, 7] {
            all.set(number, marks(1), Youngest::default());
        }
        all.set(9, marks(2), Youngest::default());
        let present = [1, 2, 4, 7];
        all.compact(false, |first, last| present.iter().any(|o| (first..=last).contains(o)));
        assert_eq!(ranges(&all), [(1, 7)]);
    }

    /// Pods of 1 to 3 are marked, the youngest of which was created in second 20; whether the marks under `number` are
    /// another's, if its Pod was created in second `created`.
    fn check(number: u64, created: Option<i64>, expect: bool) {
        let mut all = Marks::default();
        for (number, created) in [(1, 10), (2, 20), (3, 15)] {
            all.set(number, marks(1), of(created));
        }
        assert_eq!(all.are_of_another(number, created), expect, "{number} of {created:?}");
        all.unmark(number);
        assert!(!all.are_of_another(number, created), "nothing is marked under {number}");
    }

    #[test]
    fn marks_are_of_no_pod_that_is_younger_than_all_that_are_marked() {
        check(1, Some(20), false);
        check(1, Some(21), true);
        check(4, Some(21), false);
        check(1, None, false);
    }

    #[test]
    fn marks_of_an_operator_that_did_not_note_the_youngest_pod_are_each_pods_own() {
        let mut all = Marks::default();
        all.insert(1, 3, marks(1));
        all.set(4, marks(1), of(10));
        assert!(!all.are_of_another(1, Some(99)), "the Pods of 1 to 3 may be younger than the one of 4");
        all.know_youngest(of(50));
        assert!(all.are_of_another(1, Some(99)) && !all.are_of_another(1, Some(50)));
    }

    #[test]
    fn a_pod_of_which_nothing_is_marked_is_not_the_youngest_that_is() {
        let started = |second: i64| Youngest { created: Some(0), started: Some(second) };
        let mut all = Marks::default();
        all.set(1, PodMarks::default(), of(99));
        all.set(2, marks(1), started(12));
        all.set(3, PodMarks::default(), of(99));
        all.set(4, marks(1), started(7));
        assert_eq!(all.youngest(), started(12));
    }

    proptest! {
        /// The ranges are only a shorter way of writing a map from numbers to marks.
        #[test]
        fn ranges_say_what_a_plain_map_says(writes in prop::collection::vec((1_u64..40, 0_u32..3), 0..80)) {
            let mut plain = BTreeMap::new();
            let mut all = Marks::default();
            for (number, mark) in writes {
                plain.insert(number, marks(mark));
                all.set(number, marks(mark), Youngest::default());
                all.compact(false, |first, last| plain.range(first..=last).next().is_some());
            }
            for (number, expect) in &plain {
                prop_assert_eq!(&all.get(*number), expect);
            }
        }
    }
}
