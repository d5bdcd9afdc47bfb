//! Other workloads that ask for the same Pods.

use std::collections::BTreeMap;

/// Other workloads of the namespace that ask for the Pods of this one, or the other way round.
#[derive(Debug, Default)]
pub struct Overlapping {
    /// Names by UID.
    others: BTreeMap<String, String>,
}

impl Overlapping {
    /// Takes in whether another workload is one of them. Returns whether that is new.
    pub fn tell(&mut self, uid: &str, name: &str, overlaps: bool) -> bool {
        if overlaps {
            self.others.insert(uid.to_owned(), name.to_owned()).is_none()
        } else {
            self.others.remove(uid).is_some()
        }
    }

    /// Their names, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.others.values().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}
