//! Values that many have in common, each kept once.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Values that are kept though nobody may have them any more: a sweep for fewer is not worth its time.
const FEW: usize = 64;

/// Values that many have in common. Those that nobody has any more go in sweeps: there are never more of them than of
/// the others, or than a few.
#[derive(Debug)]
pub(crate) struct Interned<T: ?Sized> {
    known: BTreeSet<Arc<T>>,
    sweep_at: usize,
}

impl<T: ?Sized> Default for Interned<T> {
    fn default() -> Self {
        Self { known: BTreeSet::new(), sweep_at: FEW }
    }
}

impl<T: Ord + ?Sized> Interned<T> {
    /// The one copy of an equal value that is kept.
    pub(crate) fn share(&mut self, value: Arc<T>) -> Arc<T> {
        if let Some(known) = self.known.get(&value) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = FEW.max(2 * self.known.len());
        }
        self.known.insert(Arc::clone(&value));
        value
    }
}

/// A text that is shared: a reference to it takes 8 bytes, where one to a `str` takes 16.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Text(Box<str>);

impl Text {
    /// That text.
    pub(crate) fn of(text: &str) -> Arc<Self> {
        Arc::new(Self(text.into()))
    }

    /// What it says.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once_and_those_that_nobody_has_go() {
        let mut interned = Interned::default();
        let (one, other) = (interned.share(Text::of("one")), interned.share(Text::of("one")));
        assert!(Arc::ptr_eq(&one, &other));
        for nth in 0..10_000 {
            interned.share(Text::of(&nth.to_string()));
        }
        assert!(interned.known.len() <= FEW, "{}", interned.known.len());
        assert!(Arc::ptr_eq(&one, &interned.share(Text::of("one"))));
    }

    #[test]
    fn values_that_somebody_has_stay_however_many_there_are() {
        let mut interned = Interned::default();
        let all: Vec<_> = (0..1000).map(|nth: i32| interned.share(Text::of(&nth.to_string()))).collect();
        assert!(all.iter().all(|text| Arc::ptr_eq(text, &interned.share(Text::of(text.as_str())))));
    }
}
