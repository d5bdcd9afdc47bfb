//! Stored revisions of all workloads, from one list when an operator begins: otherwise each workload's first pass would
//! ask for its own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::names;
use crate::workload::revision::Stored;

/// A workload: its namespace and UID.
type Workload = (String, String);

/// The revisions that a list shows, as far as they are remembered, by the workload that they are of. The list comes
/// page by page, and says nothing before it is complete.
#[derive(Debug, Default)]
pub struct ListedRevisions(BTreeMap<Workload, Vec<Stored>>);

impl ListedRevisions {
    /// Takes a page in. Returns the token of the page that follows, which is empty after the last one.
    pub fn take_page(&mut self, page: &Value) -> String {
        let items = page["items"].as_array().into_iter().flatten();
        for (workload, stored) in items.filter_map(stored) {
            self.0.entry(workload).or_default().push(stored);
        }
        page["metadata"]["continue"].as_str().unwrap_or_default().to_owned()
    }

    /// Takes all out.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (Workload, Vec<Stored>)> + use<> {
        std::mem::take(&mut self.0).into_iter()
    }
}

/// The revision as its object says, and the workload that it is of.
fn stored(object: &Value) -> Option<(Workload, Stored)> {
    let metadata = &object["metadata"];
    let uid = metadata["labels"][names::WORKLOAD_UID_LABEL].as_str()?;
    let namespace = metadata["namespace"].as_str()?;
    Some(((namespace.to_owned(), uid.to_owned()), Stored::of_object(object, uid)?))
}
