//! Revisions that are stored, and which of them are kept.

/// A revision that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub revision: String,
    /// When it was rolled out last: the higher, the later.
    pub number: i64,
    /// The fingerprint of all that decides about its Pods.
    pub data: u64,
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
        let stored =
            stored.map(|(revision, number)| Stored { revision: revision.to_owned(), number, data: 0 });
        let expendable = expendable(&stored, "d", limit, |revision| with_pods.contains(&revision));
        assert_eq!(expendable, expect, "{limit} {with_pods:?}");
    }

    #[test]
    fn a_revision_is_known_by_its_content_under_whatever_name() {
        let stored = [("a", 1, 10), ("b", 3, 20), ("c", 2, 20)];
        let stored =
            stored.map(|(revision, number, data)| Stored { revision: revision.to_owned(), number, data });
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
}
