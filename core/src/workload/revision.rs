//! The name of a template's content, a short hash that two equal templates share, and which of them are kept.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Letters and digits that form no words and are not mistaken for each other, as Kubernetes uses in generated names.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Characters of a revision: 27^10 hashes make a collision a curiosity, and `collisionCount` survives one.
const REVISION_LENGTH: usize = 10;

/// The revision of `template` and of what else decides about its Pods: how their hooks are run (null by default). A
/// change in `collision_count` gives another one.
///
/// Null fields and empty differences in key order do not count: they mean the same Pod.
pub fn of_template(template: &Value, hooks: &Value, collision_count: i32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(canonical(template).to_string());
    if !hooks.is_null() {
        hasher.update(canonical(hooks).to_string());
    }
    hasher.update(collision_count.to_be_bytes());
    encode(&hasher.finalize(), REVISION_LENGTH)
}

/// A revision that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub revision: String,
    /// When it was rolled out last: the higher, the later.
    pub number: i64,
}

/// Of the old revisions, which are all that are stored but `current`, the oldest beyond `limit`. One of which there are
/// Pods still counts among them, and is spared until they are gone.
pub fn expendable<'a>(
    stored: &'a [Stored],
    current: &str,
    limit: usize,
    has_pods: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let mut old: Vec<&Stored> = stored.iter().filter(|stored| stored.revision != current).collect();
    old.sort_by_key(|stored| stored.number);
    let excess = old.len().saturating_sub(limit);
    let oldest = old.into_iter().take(excess).map(|stored| stored.revision.as_str());
    oldest.filter(|revision| !has_pods(revision)).collect()
}

/// A short stable name for any text.
pub fn short_hash(parts: &[&str], length: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
        hasher.update([0]);
    }
    encode(&hasher.finalize(), length)
}

/// The same value without null fields. Keys are in order already: `serde_json` maps are sorted.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), canonical(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

fn encode(digest: &[u8], length: usize) -> String {
    digest.iter().take(length).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_fields_do_not_make_another_revision() {
        let bare = json!({"spec": {"containers": [{"name": "web"}]}});
        let nulls = json!({"spec": {"containers": [{"name": "web", "command": null}]}, "metadata": null});
        assert_eq!(of_template(&bare, &Value::Null, 0), of_template(&nulls, &Value::Null, 0));
    }

    #[test]
    fn another_template_or_a_collision_makes_another_revision() {
        let one = json!({"spec": {"containers": [{"name": "web", "image": "a"}]}});
        let two = json!({"spec": {"containers": [{"name": "web", "image": "b"}]}});
        assert_ne!(of_template(&one, &Value::Null, 0), of_template(&two, &Value::Null, 0));
        assert_ne!(of_template(&one, &Value::Null, 0), of_template(&one, &Value::Null, 1));
        assert_eq!(of_template(&one, &Value::Null, 0).len(), REVISION_LENGTH);
    }

    /// The revisions `a` to `d` are stored, of which `d` is the current one and `b` was gone back to before it.
    fn check_expendable(limit: usize, with_pods: &[&str], expect: &[&str]) {
        let stored = [("a", 1), ("b", 5), ("c", 3), ("d", 6)];
        let stored = stored.map(|(revision, number)| Stored { revision: revision.to_owned(), number });
        let expendable = expendable(&stored, "d", limit, |revision| with_pods.contains(&revision));
        assert_eq!(expendable, expect, "{limit} {with_pods:?}");
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

    /// A release that hashed differently would roll out every workload of every cluster.
    #[test]
    fn the_hash_never_changes_between_releases() {
        assert_eq!(
            of_template(&json!({"spec": {"containers": [{"name": "web"}]}}), &Value::Null, 0),
            "r4mhtgddhz"
        );
    }
}
