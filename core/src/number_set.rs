//! Sets of numbers that mostly follow each other: the numbers of a workload's Pods.

use std::collections::BTreeMap;

/// A set of numbers that takes room by how many gaps there are in it, not by how many numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NumberSet {
    /// The last number by the first, of numbers that follow each other. Between two of them there is a gap.
    ranges: BTreeMap<u64, u64>,
    count: usize,
}

impl NumberSet {
    /// No number.
    pub(crate) const EMPTY: Self = Self { ranges: BTreeMap::new(), count: 0 };

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a number.
    pub(crate) fn insert(&mut self, number: u64) {
        let before = self.at_or_before(number);
        if before.is_some_and(|(_, last)| last >= number) {
            return;
        }
        let first = before.filter(|(_, last)| last + 1 == number).map_or(number, |(first, _)| first);
        let joined = number.checked_add(1).and_then(|next| self.ranges.remove(&next));
        self.ranges.insert(first, joined.unwrap_or(number));
        self.count += 1;
    }

    /// Takes a number out.
    pub(crate) fn remove(&mut self, number: u64) {
        let Some((first, last)) = self.at_or_before(number).filter(|(_, last)| *last >= number) else {
            return;
        };
        if first == number {
            self.ranges.remove(&first);
        } else {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
        self.count -= 1;
    }

    /// The numbers in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Whether a number is in it.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.at_or_before(number).is_some_and(|(_, last)| last >= number)
    }

    /// The numbers that are in both, in order: as much work as there are numbers in the smaller one.
    pub(crate) fn intersection<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u64> + 'a {
        let (few, many) = if self.count <= other.count { (self, other) } else { (other, self) };
        few.iter().filter(|number| many.contains(*number))
    }

    /// Keeps the numbers of which that holds.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u64) -> bool) {
        *self = self.iter().filter(|number| keep(*number)).collect();
    }

    /// The range that begins with the number, or before it.
    fn at_or_before(&self, number: u64) -> Option<(u64, u64)> {
        self.ranges.range(..=number).next_back().map(|(first, last)| (*first, *last))
    }
}

impl FromIterator<u64> for NumberSet {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut set = Self::EMPTY;
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out() {
        let (mut set, mut plain) = (NumberSet::EMPTY, BTreeSet::new());
        let mut seed: u64 = 1;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (seed >> 33) % 40;
            if seed >> 63 == 0 {
                set.insert(number);
                plain.insert(number);
            } else {
                set.remove(number);
                plain.remove(&number);
            }
            assert!(set.iter().eq(plain.iter().copied()));
            assert_eq!((set.len(), set.is_empty()), (plain.len(), plain.is_empty()));
            assert_eq!(set, plain.iter().copied().collect());
            assert_eq!(set.contains(number), plain.contains(&number));
            let low: NumberSet = (0..=number).collect();
            let both = || plain.range(..=number).copied();
            assert!(set.intersection(&low).eq(both()) && low.intersection(&set).eq(both()));
        }
        set.retain(|number| number % 3 == 0);
        plain.retain(|number| number % 3 == 0);
        assert!(set.iter().eq(plain.iter().copied()));
        set.insert(u64::MAX);
        set.remove(u64::MAX);
        assert!(set.iter().eq(plain.iter().copied()));
    }

    #[test]
    fn numbers_that_follow_each_other_take_no_room() {
        let mut set: NumberSet = (1..=1_000).rev().collect();
        assert_eq!((set.ranges.len(), set.len()), (1, 1_000));
        set.remove(500);
        assert_eq!(set.ranges.len(), 2);
        set.insert(500);
        assert_eq!(set.ranges.len(), 1);
    }
}
