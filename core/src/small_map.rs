//! A map of a few entries, which takes no more room than they do.

use std::borrow::Borrow;
use std::ops::{Bound, RangeBounds};

/// A map of a few entries. A `BTreeMap` makes room for eleven with the first one, and a Pod has a container or two.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallMap<K, V> {
    /// In order of their keys.
    entries: Vec<(K, V)>,
}

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &self.entries[place].1)
    }

    /// The same, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &mut self.entries[place].1)
    }

    /// Whether there is a value of that key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => self.entries[place].1 = value,
            Err(place) => self.put(place, key, value),
        }
    }

    /// The value of a key, which is made if there is none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = self.place(&key).unwrap_or_else(|place| {
            self.put(place, key, V::default());
            place
        });
        &mut self.entries[place].1
    }

    /// The entries, in order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The entries whose values are to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The values in order of their keys, of a map that is no longer needed.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.entries.into_iter().map(|(_, value)| value)
    }

    /// The entries with keys in that range.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let first = match keys.start_bound() {
            Bound::Included(first) => self.entries.partition_point(|(key, _)| key < first),
            Bound::Excluded(before) => self.entries.partition_point(|(key, _)| key <= before),
            Bound::Unbounded => 0,
        };
        let end = match keys.end_bound() {
            Bound::Included(last) => self.entries.partition_point(|(key, _)| key <= last),
            Bound::Excluded(after) => self.entries.partition_point(|(key, _)| key < after),
            Bound::Unbounded => self.entries.len(),
        };
        self.entries[first..end.max(first)].iter().map(|(key, value)| (key, value))
    }

    /// The entry with the lowest key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.entries.first().map(|(key, value)| (key, value))
    }

    /// The entry with the highest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.entries.last().map(|(key, value)| (key, value))
    }

    /// Keeps the entries of which that holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.entries.retain(|(key, value)| keep(key, value));
        self.entries.shrink_to_fit();
    }

    /// Keeps the entry with the highest key alone.
    pub fn keep_last(&mut self) {
        self.entries.drain(..self.entries.len().saturating_sub(1));
        self.entries.shrink_to_fit();
    }

    /// Drops the entry with the lowest key.
    pub fn pop_first(&mut self) {
        if !self.entries.is_empty() {
            self.entries.remove(0);
        }
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.entries.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    fn put(&mut self, place: usize, key: K, value: V) {
        self.entries.reserve_exact(1);
        self.entries.insert(place, (key, value));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SmallMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SmallMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The entries of both maps, in order.
    fn entries(small: &SmallMap<u8, u8>, plain: &BTreeMap<u8, u8>) {
        let of = |entries: &mut dyn Iterator<Item = (&u8, &u8)>| -> Vec<(u8, u8)> {
            entries.map(|(key, value)| (*key, *value)).collect()
        };
        assert_eq!(of(&mut small.iter()), of(&mut plain.iter()));
        assert_eq!(of(&mut small.range(3..)), of(&mut plain.range(3..)));
        assert_eq!(of(&mut small.range(..5).rev()), of(&mut plain.range(..5).rev()));
        assert_eq!(of(&mut small.range(2..=4)), of(&mut plain.range(2..=4)));
        let ends = (small.first_key_value(), small.last_key_value());
        assert_eq!(ends, (plain.first_key_value(), plain.last_key_value()));
        assert_eq!((small.len(), small.is_empty()), (plain.len(), plain.is_empty()));
        for key in 0..8 {
            assert_eq!(
                (small.get(&key), small.contains_key(&key)),
                (plain.get(&key), plain.contains_key(&key))
            );
        }
    }

    #[test]
    fn it_holds_what_a_btree_map_holds() {
        let (mut small, mut plain) = (SmallMap::default(), BTreeMap::default());
        entries(&small, &plain);
        for (key, value) in [(4, 1), (2, 2), (6, 3), (2, 4), (0, 5), (7, 6)] {
            small.insert(key, value);
            plain.insert(key, value);
            entries(&small, &plain);
        }
        *small.or_default(5) += 9;
        *plain.entry(5).or_default() += 9;
        *small.or_default(4) += 9;
        *plain.entry(4).or_default() += 9;
        entries(&small, &plain);
        small.retain(|key, _| key % 2 == 0);
        plain.retain(|key, _| key % 2 == 0);
        entries(&small, &plain);
        small.pop_first();
        plain.pop_first();
        entries(&small, &plain);
        small.keep_last();
        assert_eq!(small, SmallMap::from([(6, 3)]));
    }

    #[test]
    fn it_takes_no_more_room_than_its_entries() {
        let mut map = SmallMap::default();
        for key in 0..3 {
            map.insert(key, ());
        }
        assert_eq!(map.entries.capacity(), 3);
    }
}
