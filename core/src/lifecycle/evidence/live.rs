//! Records that came over the live channel.

use hooked_protocol::{Record, RunId};

use crate::lifecycle::record::second_of;
use crate::small_map::SmallMap;

/// Records that are remembered of a container. It has two hooks, which run one at a time; more can only be
/// forged.
const MOST: usize = 8;

/// What came live of one container. The key of a record is the beginning and the id of its run, which no copy
/// of the record can change: so the newest records that are kept are the same in whatever order records come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveRecords(SmallMap<(u64, RunId), Record>);

impl LiveRecords {
    /// Takes in a record. Of several copies of a record the most complete one is kept.
    pub fn insert(&mut self, record: Record) {
        let place = (record.start, record.run);
        if self.0.get(&place).is_none_or(|known| !known.supersedes(&record)) {
            self.0.insert(place, record);
        }
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }

    /// Whether `record` adds to what is known of its run.
    pub fn is_news(&self, record: &Record) -> bool {
        self.0.get(&(record.start, record.run)).is_none_or(|known| !known.supersedes(record))
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn merge(&mut self, other: Self) {
        for record in other.0.into_values() {
            self.insert(record);
        }
    }

    /// Forgets runs that began before the second `began`: such runs belong to instances that are forgotten.
    pub(super) fn prune(&mut self, began: i64) {
        self.0.retain(|_, record| second_of(record) >= began);
    }

    /// The records in order of their beginnings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.values()
    }
}
