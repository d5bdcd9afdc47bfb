//! Revisions that are stored, how they are numbered, and which of them are kept.

use serde_json::Value;

use super::essence::essence;
use super::fingerprint;
use crate::names;

/// A revision that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub revision: String,
    /// When it was rolled out last: the higher, the later.
    pub number: i64,
    /// The fingerprint of all that decides about its Pods.
    pub data: u64,
    /// The fingerprint of what of it no defaulting touches.
    pub essence: u64,
    /// Why it was rolled out, in the user's words.
    pub change_cause: Option<String>,
}

impl Stored {
    /// The revision as its ControllerRevision says, if that belongs to the workload with this UID.
    pub fn of_object(object: &Value, owner_uid: &str) -> Option<Self> {
        let metadata = &object["metadata"];
        let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
        owners.any(|owner| owner["uid"] == owner_uid).then_some(())?;
        Some(Self {
            revision: metadata["labels"][names::REVISION_LABEL].as_str()?.to_owned(),
            number: object["revision"].as_i64()?,
            data: fingerprint(&object["data"]),
            essence: essence(&object["data"]),
            change_cause: metadata["annotations"][names::CHANGE_CAUSE].as_str().map(str::to_owned),
        })
    }
}

/// The number of a revision that is the newest: one more than the highest of the others, as a Deployment's.
/// One that is gone back to gets another, and those between stay as they are.
pub fn newest(stored: &[Stored], revision: &str) -> i64 {
    let others = stored.iter().filter(|stored| stored.revision != revision);
    others.map(|stored| stored.number).max().unwrap_or(0).saturating_add(1)
}

/// The name of the stored revision whose Pods are those of a revision with that name and fingerprint; none if none is.
///
/// A revision is known by its content, as a Deployment's are: the same content may have got its name from another
/// release, or after a collision. Of several the one that was rolled out last is meant.
pub fn same<'a>(stored: &'a [Stored], name: &str, data: u64) -> Option<&'a str> {
    let same = stored.iter().filter(|known| known.data == data);
    same.max_by_key(|known| (known.revision == name, known.number)).map(|known| known.revision.as_str())
}

/// Of the old revisions, which are all that are stored but `current`, the oldest beyond `limit`. One that is
/// still used counts among them, and is spared until it is not.
pub fn expendable<'a>(
    stored: &'a [Stored],
    current: &str,
    limit: usize,
    is_used: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let mut old: Vec<&Stored> = stored.iter().filter(|stored| stored.revision != current).collect();
    old.sort_by_key(|stored| stored.number);
    let excess = old.len().saturating_sub(limit);
    let oldest = old.into_iter().take(excess).map(|stored| stored.revision.as_str());
    oldest.filter(|revision| !is_used(revision)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The revisions `a` to `d` are stored, of which `d` is the current one and `b` was gone back to before it.
    fn check_expendable(limit: usize, with_pods: &[&str], expect: &[&str]) {
        let stored = [("a", 1), ("b", 5), ("c", 3), ("d", 6)];
        let stored = stored.map(|(revision, number)| Stored {
            revision: revision.to_owned(),
            number,
            data: 0,
            essence: 0,
            change_cause: None,
        });
        let expendable = expendable(&stored, "d", limit, |revision| with_pods.contains(&revision));
        assert_eq!(expendable, expect, "{limit} {with_pods:?}");
    }

    #[test]
    fn a_revision_is_known_by_its_content_under_whatever_name() {
        let stored = [("a", 1, 10), ("b", 3, 20), ("c", 2, 20)];
        let stored = stored.map(|(revision, number, data)| Stored {
            revision: revision.to_owned(),
            number,
            data,
            essence: 0,
            change_cause: None,
        });
        let check = |name: &str, data: u64, expect: Option<&str>| {
            assert_eq!(same(&stored, name, data), expect, "{name} {data}");
        };
        check("a", 10, Some("a"));
        check("new", 10, Some("a"));
        check("new", 20, Some("b"));
        check("c", 20, Some("c"));
        check("a", 30, None);
    }

    #[test]
    fn the_oldest_revisions_beyond_the_limit_go_when_their_pods_are_gone() {
        check_expendable(10, &["d"], &[]);
        check_expendable(3, &["d"], &[]);
        check_expendable(2, &["d"], &["a"]);
        check_expendable(1, &["d"], &["a", "c"]);
        check_expendable(0, &["d"], &["a", "c", "b"]);
        // While a Pod terminates its revision stays, and no other is kept or removed in its place.
        check_expendable(1, &["b", "d"], &["a", "c"]);
        check_expendable(1, &["c", "d"], &["a"]);
        check_expendable(0, &["b", "d"], &["a", "c"]);
    }

    /// Rolls `templates` out one after the other, with this limit, and checks which stay with which numbers.
    fn check_numbers(templates: &str, limit: usize, expect: &[(&str, i64)]) {
        let mut stored: Vec<Stored> = Vec::new();
        for template in templates.split(' ') {
            let number = newest(&stored, template);
            let before = stored.iter().position(|stored| stored.revision == template);
            let number = before.map_or(number, |at| stored.swap_remove(at).number.max(number));
            stored.push(Stored {
                revision: template.to_owned(),
                number,
                data: 0,
                essence: 0,
                change_cause: None,
            });
            let gone: Vec<String> =
                expendable(&stored, template, limit, |_| false).into_iter().map(str::to_owned).collect();
            stored.retain(|stored| !gone.contains(&stored.revision));
        }
        let mut numbers: Vec<(&str, i64)> =
            stored.iter().map(|stored| (stored.revision.as_str(), stored.number)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, expect, "{templates} with limit {limit}");
    }

    #[test]
    fn a_revision_that_is_gone_back_to_is_the_newest_and_is_kept_as_such() {
        check_numbers("a", 2, &[("a", 1)]);
        check_numbers("a a a", 2, &[("a", 1)]);
        check_numbers("a b a", 2, &[("a", 3), ("b", 2)]);
        check_numbers("a b a c d", 2, &[("a", 3), ("c", 4), ("d", 5)]);
        check_numbers("a b c", 0, &[("c", 3)]);
        // A number that is the highest already stays, though others have gone.
        check_numbers("a b c c", 1, &[("b", 2), ("c", 3)]);
    }

    #[test]
    fn a_stored_revision_is_read_from_its_object_if_it_is_the_workloads() {
        let object = serde_json::json!({
            "metadata": {
                "labels": {"hooked.dev/revision": "rev"},
                "annotations": {"kubernetes.io/change-cause": "image 2"},
                "ownerReferences": [{"uid": "u-1"}],
            },
            "revision": 7, "data": {"template": {}},
        });
        let stored = Stored::of_object(&object, "u-1").unwrap();
        assert_eq!((&*stored.revision, stored.number), ("rev", 7));
        assert_eq!(stored.change_cause.as_deref(), Some("image 2"));
        assert_eq!(stored.data, fingerprint(&object["data"]));
        assert_eq!(Stored::of_object(&object, "u-2"), None);
    }
}
