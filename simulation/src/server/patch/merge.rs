//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

/// Changes `object` as `patch` says: a null removes, an object is merged, anything else replaces.
pub(super) fn apply(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        object.clone_from(patch);
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(fields) = object else { return };
    for (field, change) in patch {
        if change.is_null() {
            fields.remove(field);
        } else {
            apply(fields.entry(field).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_removes_by_null_and_replaces_lists() {
        for (object, patch, expect) in [
            (json!({"a": 1, "b": 2}), json!({"a": null, "c": 3}), json!({"b": 2, "c": 3})),
            (json!({"a": {"b": 1}}), json!({"a": {"c": 2, "b": null}}), json!({"a": {"c": 2}})),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (json!({}), json!({"a": {"b": null}}), json!({"a": {}})),
            (json!({"a": 1}), json!({"a": {"b": 2}}), json!({"a": {"b": 2}})),
        ] {
            let mut patched = object.clone();
            apply(&mut patched, &patch);
            assert_eq!(patched, expect, "{object} with {patch}");
        }
    }
}
