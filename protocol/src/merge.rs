//! Copies of a record become one run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::record::{Record, RunId};

/// The runs that some records tell of, each by the copy that tells most. The order of the records and how often each
/// occurs do not matter.
pub fn merge(records: impl IntoIterator<Item = Record>) -> BTreeMap<RunId, Record> {
    let mut runs = BTreeMap::new();
    for record in records {
        match runs.entry(record.run) {
            Entry::Vacant(entry) => {
                entry.insert(record);
            }
            Entry::Occupied(mut entry) => {
                if entry.get().supersedes(&record) {
                    continue;
                }
                entry.insert(record);
            }
        }
    }
    runs
}

impl Record {
    /// Whether this copy of a run is to be kept rather than that one: ended supersedes started, and of two that ended
    /// the one of which less was left out. Between copies that contradict each other, which only forgery makes, the
    /// choice is arbitrary but always the same.
    pub fn supersedes(&self, other: &Self) -> bool {
        (self.wealth(), self) >= (other.wealth(), other)
    }

    fn wealth(&self) -> (bool, usize, usize, usize) {
        let past = self.numbering.as_ref().map_or(0, |numbering| 1 + numbering.past.len());
        let told = self.ending.as_ref().map_or((0, 0), |ending| (ending.output.len(), ending.message.len()));
        (self.ending.is_some(), told.0, told.1, past)
    }

    /// Whether the two cannot both be true of one run, so that at least one of them is forged. What was left out of
    /// one of them for want of room is no contradiction.
    pub fn contradicts(&self, other: &Self) -> bool {
        let identity = |record: &Self| {
            let execution = record.numbering.as_ref().map(|numbering| numbering.execution);
            (record.container.clone(), record.hook, record.start, execution)
        };
        let ended = match (&self.ending, &other.ending) {
            (Some(one), Some(two)) => {
                (one.outcome, one.exit, one.duration, one.attempts)
                    != (two.outcome, two.exit, two.duration, two.attempts)
            }
            _ => false,
        };
        self.run == other.run && (identity(self) != identity(other) || ended)
    }
}
