//! The numbers that this process may give to Pods: those that its own commits have reserved and no Pod has had.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Numbers that are reserved and unused, in order.
///
/// A number is reserved by a commit before it is used, and used once. So a process that follows another never gives a
/// number that the other may be using at this moment: the highest reserved one stands in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(VecDeque<RangeInclusive<u64>>);

impl Numbers {
    /// Adds numbers that a commit of this process has reserved.
    pub fn reserve(&mut self, numbers: RangeInclusive<u64>) {
        if !numbers.is_empty() {
            self.0.push_back(numbers);
        }
    }

    /// How many there are.
    pub fn left(&self) -> usize {
        let sizes = self.0.iter().map(|range| range.end() - range.start() + 1);
        usize::try_from(sizes.sum::<u64>()).unwrap_or(usize::MAX)
    }

    /// Whether any of them is in that range.
    pub fn any_in(&self, first: u64, last: u64) -> bool {
        self.0.iter().any(|range| *range.start() <= last && *range.end() >= first)
    }

    /// Takes the lowest number; none if none is left.
    pub fn take(&mut self) -> Option<u64> {
        let range = self.0.front_mut()?;
        let (number, last) = (*range.start(), *range.end());
        if number == last {
            self.0.pop_front();
        } else {
            *range = number + 1..=last;
        }
        Some(number)
    }

    /// Gives back a number that certainly no Pod has: its create was refused.
    pub fn give_back(&mut self, number: u64) {
        self.0.push_front(number..=number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reserved_number_is_given_once_and_no_other() {
        let mut numbers = Numbers::default();
        numbers.reserve(3..=4);
        numbers.reserve(9..=9);
        #[allow(clippy::reversed_empty_ranges, reason = "nothing is reserved")]
        numbers.reserve(10..=9);
        assert_eq!(numbers.left(), 3);
        let any_in = |first, last| numbers.any_in(first, last);
        assert!(any_in(1, 3) && any_in(4, 4) && any_in(4, 12) && !any_in(5, 8) && !any_in(10, 12));
        assert_eq!(numbers.take(), Some(3));
        numbers.give_back(3);
        let given: Vec<u64> = std::iter::from_fn(|| numbers.take()).collect();
        assert_eq!((given, numbers.left()), (vec![3, 4, 9], 0));
    }
}
