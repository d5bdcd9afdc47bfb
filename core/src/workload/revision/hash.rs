//! The name of a template's content: a short hash that two equal templates share.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::short_hash::encode;

/// Characters of a revision: 27^10 hashes make a collision a curiosity, and `collisionCount` survives one.
const REVISION_LENGTH: usize = 10;

/// The revision of `template` and of what else decides about its Pods: how their hooks are run (null by default). A
/// change in `collision_count` gives another one.
///
/// Null fields and empty differences in key order do not count: they mean the same Pod.
pub(super) fn of_template(template: &Value, hooks: &Value, collision_count: i32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(canonical(template).to_string());
    if !hooks.is_null() {
        hasher.update(canonical(hooks).to_string());
    }
    hasher.update(collision_count.to_be_bytes());
    encode(&hasher.finalize(), REVISION_LENGTH)
}

/// The same value without null fields. Keys are in order already: `serde_json` maps are sorted.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), canonical(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
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

    /// A release that hashed differently would roll out every workload of every cluster.
    #[test]
    fn the_hash_never_changes_between_releases() {
        assert_eq!(
            of_template(&json!({"spec": {"containers": [{"name": "web"}]}}), &Value::Null, 0),
            "r4mhtgddhz"
        );
    }
}
