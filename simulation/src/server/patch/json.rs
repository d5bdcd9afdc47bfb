//! JSON patch (RFC 6902).

use serde_json::{Map, Value};

use crate::server::failure::Failure;

/// Carries out all operations of `patch`, or fails.
pub(super) fn apply(object: &mut Value, patch: &Value) -> Result<(), Failure> {
    let Some(operations) = patch.as_array() else {
        return Err(Failure::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value",
        ));
    };
    for operation in operations {
        carry_out(object, operation).ok_or_else(Failure::patch_does_not_apply)?;
    }
    Ok(())
}

/// None if the operation does not apply.
fn carry_out(object: &mut Value, operation: &Value) -> Option<()> {
    let path = operation["path"].as_str()?;
    let from = || operation["from"].as_str();
    match operation["op"].as_str()? {
        "add" => add(object, path, operation["value"].clone()),
        "remove" => remove(object, path).map(drop),
        "replace" => {
            // The place must be there.
            let place = object.pointer_mut(path)?;
            place.clone_from(&operation["value"]);
            Some(())
        }
        "move" => {
            let value = remove(object, from()?)?;
            add(object, path, value)
        }
        "copy" => {
            let value = object.pointer(from()?)?.clone();
            add(object, path, value)
        }
        // What is absent equals null.
        "test" => (*object.pointer(path).unwrap_or(&Value::Null) == operation["value"]).then_some(()),
        _ => None,
    }
}

fn add(object: &mut Value, path: &str, value: Value) -> Option<()> {
    let Some((parent, last)) = path.rsplit_once('/') else {
        *object = value;
        return Some(());
    };
    match object.pointer_mut(parent)? {
        Value::Object(fields) => drop(fields.insert(unescape(last), value)),
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(fields) => Map::remove(fields, &unescape(last)),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

fn unescape(word: &str) -> String {
    word.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(patch: &Value, expect: Option<&Value>) {
        let mut object = json!({"a": {"b/c": 1}, "l": [1, 2]});
        let applied = apply(&mut object, patch);
        assert_eq!(applied.ok().map(|()| &object), expect, "{patch}");
    }

    #[test]
    fn operations_change_maps_and_lists() {
        check(
            &json!([{"op": "add", "path": "/a/d", "value": 2}]),
            Some(&json!({"a": {"b/c": 1, "d": 2}, "l": [1, 2]})),
        );
        check(&json!([{"op": "remove", "path": "/a/b~1c"}]), Some(&json!({"a": {}, "l": [1, 2]})));
        check(
            &json!([{"op": "replace", "path": "/l/0", "value": 9}]),
            Some(&json!({"a": {"b/c": 1}, "l": [9, 2]})),
        );
        check(
            &json!([{"op": "add", "path": "/l/-", "value": 3}]),
            Some(&json!({"a": {"b/c": 1}, "l": [1, 2, 3]})),
        );
        check(
            &json!([{"op": "add", "path": "/l/0", "value": 0}]),
            Some(&json!({"a": {"b/c": 1}, "l": [0, 1, 2]})),
        );
        check(
            &json!([{"op": "move", "from": "/l/0", "path": "/m"}]),
            Some(&json!({"a": {"b/c": 1}, "l": [2], "m": 1})),
        );
        check(
            &json!([{"op": "copy", "from": "/l/1", "path": "/m"}]),
            Some(&json!({"a": {"b/c": 1}, "l": [1, 2], "m": 2})),
        );
    }

    #[test]
    fn a_test_that_fails_or_a_place_that_is_absent_refuses_the_whole_patch() {
        let same = json!({"a": {"b/c": 1}, "l": [1, 2]});
        check(&json!([{"op": "test", "path": "/a/b~1c", "value": 1}]), Some(&same));
        check(&json!([{"op": "test", "path": "/absent", "value": null}]), Some(&same));
        check(&json!([{"op": "test", "path": "/a/b~1c", "value": 2}]), None);
        check(&json!([{"op": "test", "path": "/a", "value": null}]), None);
        check(&json!([{"op": "remove", "path": "/absent"}]), None);
        check(&json!([{"op": "replace", "path": "/absent", "value": 1}]), None);
        check(&json!([{"op": "add", "path": "/absent/x", "value": 1}]), None);
    }
}
