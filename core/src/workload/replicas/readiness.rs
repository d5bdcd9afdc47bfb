//! How many Pods have been ready for how long.

use std::collections::BTreeMap;

/// Ready Pods by the second since which they are ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Readiness {
    by_second: BTreeMap<i64, usize>,
    total: usize,
}

impl Readiness {
    pub(super) const EMPTY: Self = Self { by_second: BTreeMap::new(), total: 0 };

    pub(super) fn add(&mut self, since: i64) {
        *self.by_second.entry(since).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn remove(&mut self, since: i64) {
        if let Some(count) = self.by_second.get_mut(&since) {
            *count -= 1;
            self.total -= 1;
            if *count == 0 {
                self.by_second.remove(&since);
            }
        }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Ready for at least `seconds` at second `now`. Looks only at Pods that became ready since.
    pub(super) fn for_at_least(&self, seconds: i64, now: i64) -> usize {
        if seconds == 0 {
            return self.total;
        }
        let recent: usize =
            self.by_second.range(now.saturating_sub(seconds) + 1..).map(|(_, count)| count).sum();
        self.total - recent
    }

    /// The next second at which one more Pod will have been ready for `seconds`.
    pub(super) fn next_after(&self, seconds: i64, now: i64) -> Option<i64> {
        if seconds == 0 {
            return None;
        }
        self.by_second.range(now.saturating_sub(seconds) + 1..).next().map(|(since, _)| since + seconds)
    }
}
