//! Marks: up to where the runs of each present Pod are counted.
//!
//! Most Pods of a workload are alike, so the marks are ranges of numbers. A range may span numbers that are gone:
//! they are never used again, so nothing can be said wrongly of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lifecycle::PodMarks;
use crate::mutation::{Mutation, mutated};

/// The marks of all present Pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Ranges by their first number: the last number, and the marks that all Pods in between have.
    ranges: BTreeMap<u64, (u64, PodMarks)>,
}

impl Marks {
    /// The ranges in order: first number, last number, marks.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64, &PodMarks)> {
        self.ranges.iter().map(|(first, (last, marks))| (*first, *last, marks))
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

    /// Sets the marks of a Pod, splitting the range it was in.
    pub fn set(&mut self, number: u64, marks: PodMarks) {
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

    /// Drops ranges without a present Pod and joins neighbours that are alike with only gone numbers between them.
    /// `present(first, last)` says whether a Pod has an number in that range.
    pub fn compact(&mut self, present: impl Fn(u64, u64) -> bool) {
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
                            || !present(*end + 1, first - 1)) =>
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

    fn ranges(marks: &Marks) -> Vec<(u64, u64)> {
        marks.ranges().map(|(first, last, _)| (first, last)).collect()
    }

    #[test]
    fn ten_thousand_pods_that_are_alike_are_one_range() {
        let mut all = Marks::default();
        for number in 1..=10_000 {
            all.set(number, marks(1));
        }
        all.compact(|_, _| true);
        assert_eq!(ranges(&all), [(1, 10_000)]);
    }

    #[test]
    fn gone_numbers_do_not_break_a_range_and_a_range_of_gone_numbers_goes() {
        let mut all = Marks::default();
        for number in [1, 2, 4, 7] {
            all.set(number, marks(1));
        }
        all.set(9, marks(2));
        let present = [1, 2, 4, 7];
        all.compact(|first, last| present.iter().any(|o| (first..=last).contains(o)));
        assert_eq!(ranges(&all), [(1, 7)]);
    }

    proptest! {
        /// The ranges are only a shorter way of writing a map from numbers to marks.
        #[test]
        fn ranges_say_what_a_plain_map_says(writes in prop::collection::vec((1_u64..40, 0_u32..3), 0..80)) {
            let mut plain = BTreeMap::new();
            let mut all = Marks::default();
            for (number, mark) in writes {
                plain.insert(number, marks(mark));
                all.set(number, marks(mark));
                all.compact(|first, last| plain.range(first..=last).next().is_some());
            }
            for (number, expect) in &plain {
                prop_assert_eq!(&all.get(*number), expect);
            }
        }
    }
}
