//! A scrape: text that is made while it is read.

use std::ops::Bound;
use std::sync::Arc;

use hooked_core::pass::Locked;

use super::workload::{Entry, FAMILIES, Workload, Workloads};

/// How long a part of the text gets, and then what is left of a workload in it.
const PART: usize = 64 * 1024;

/// The text of a scrape. Between two of its parts workloads may come and go: each part shows what is committed then,
/// and all values of one series stand in one part.
pub(crate) struct Scrape {
    /// The operator's own metrics, which come first.
    own: Option<String>,
    workloads: Arc<Locked<Workloads>>,
    /// The family that is next, and the workload of which that was written last.
    family: usize,
    last: Option<(String, String)>,
    has_head: bool,
}

impl Scrape {
    pub(super) fn new(own: String, workloads: Arc<Locked<Workloads>>) -> Self {
        Self { own: Some(own), workloads, family: 0, last: None, has_head: false }
    }

    /// Writes the family on, until the part is long enough; true if it is at its end.
    fn write(&mut self, part: &mut Vec<u8>) -> bool {
        let Some(family) = FAMILIES.get(self.family) else { return true };
        let workloads = self.workloads.lock();
        let first = self.last.take().map_or(Bound::Unbounded, Bound::Excluded);
        for (key, Entry { series, .. }) in workloads.range((first, Bound::Unbounded)) {
            let (namespace, name) = key;
            family.write(part, &mut self.has_head, &Workload { namespace, name, series });
            if part.len() >= PART {
                self.last = Some(key.clone());
                return false;
            }
        }
        true
    }
}

impl Iterator for Scrape {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(own) = self.own.take() {
            return Some(own.into_bytes());
        }
        let mut part = Vec::with_capacity(2 * PART);
        while self.family < FAMILIES.len() && self.write(&mut part) {
            (self.family, self.has_head) = (self.family + 1, false);
        }
        (!part.is_empty()).then_some(part)
    }
}
