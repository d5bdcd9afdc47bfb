//! Giving workloads the revisions that were listed of all of them.

use super::Index;
use crate::watch::revisions::ListedRevisions;

impl Index {
    /// Takes in a complete list. The workloads get what is theirs when they are listed in turn.
    pub fn show_revisions(&self, listed: ListedRevisions) {
        *self.revisions.lock() = listed;
    }

    /// All workloads are listed: those that have not looked their revisions up get what was listed of theirs, and what
    /// is of none is forgotten. What comes later is looked up by its first pass.
    pub fn workloads_are_listed(&self) {
        let listed = self.revisions.lock().take();
        for (workload, stored) in listed {
            let known = self.workloads.lock().get(&workload).map(|known| known.memory.clone());
            if let Some(memory) = known {
                memory.lock().know_revisions(stored);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::names;
    use crate::workload::revision::Stored;
    use crate::workload::template::Owner;

    /// A stored revision of that name in a namespace, labelled and owned by workloads of these UIDs.
    fn object(revision: &str, namespace: &str, (labelled, owned): (&str, &str)) -> Value {
        let labels = json!({names::REVISION_LABEL: revision, names::WORKLOAD_UID_LABEL: labelled});
        let metadata = json!({"namespace": namespace, "labels": labels, "ownerReferences": [{"uid": owned}]});
        json!({"metadata": metadata, "revision": 1, "data": {"template": {}}})
    }

    fn page(items: &[Value], token: &str) -> Value {
        json!({"metadata": {"continue": token}, "items": items})
    }

    /// The revisions that are known to be stored of the workload with that UID; none if nobody knows.
    fn stored(index: &Index, uid: &str) -> Option<Vec<String>> {
        let memory = index.memory("shop", &Owner { name: "web".to_owned(), uid: uid.to_owned() });
        let memory = memory.lock();
        Some(memory.stored_revisions()?.iter().map(|stored| stored.revision.clone()).collect())
    }

    #[test]
    fn each_workload_that_is_known_gets_what_all_pages_show_of_it() {
        let (index, mut listed) = (Index::default(), ListedRevisions::default());
        for uid in ["w-1", "w-2", "w-3"] {
            assert_eq!(stored(&index, uid), None);
        }
        let first = [
            object("a", "shop", ("w-1", "w-1")),
            object("b", "shop", ("w-2", "w-2")),
            object("c", "shop", ("w-1", "w-9")),
        ];
        assert_eq!(listed.take_page(&page(&first, "more")), "more");
        let last = [object("d", "shop", ("w-1", "w-1")), object("e", "other", ("w-3", "w-3")), json!({})];
        assert_eq!(listed.take_page(&page(&last, "")), "");
        index.show_revisions(listed);
        assert_eq!(stored(&index, "w-1"), None, "the workloads are not listed");
        let looked_up = Stored::of_object(&object("f", "shop", ("w-2", "w-2")), "w-2").unwrap();
        let memory = index.memory("shop", &Owner { name: "web".to_owned(), uid: "w-2".to_owned() });
        memory.lock().know_revisions(vec![looked_up]);
        index.workloads_are_listed();
        let named = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        assert_eq!(stored(&index, "w-1"), named(&["a", "d"]));
        assert_eq!(stored(&index, "w-2"), named(&["f"]), "a pass knows better");
        assert_eq!(stored(&index, "w-3"), None, "one of that UID is in another namespace");
        assert!(index.revisions.lock().take().next().is_none());
    }
}
