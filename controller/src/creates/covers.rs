//! Whether an answer says all that was asked for.

use serde_json::Value;

/// Whether `stored` has every field of `written` with the same value; what only `stored` has are defaults. Lists have
/// the same items. What is empty, zero or false is as good as nothing where the server keeps nothing of it.
pub(super) fn covers(written: &Value, stored: &Value) -> bool {
    match (written, stored) {
        (Value::Object(written), Value::Object(stored)) => written.iter().all(|(field, value)| {
            stored.get(field).map_or_else(|| is_nothing(value), |stored| covers(value, stored))
        }),
        (Value::Array(written), Value::Array(stored)) => {
            written.len() == stored.len() && written.iter().zip(stored).all(|(one, other)| covers(one, other))
        }
        (one, other) => one == other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(written: &Value, stored: &Value, expect: bool) {
        assert_eq!(covers(written, stored), expect, "{written} {stored}");
    }

    #[test]
    fn defaults_may_be_added_and_nothing_else_may_differ() {
        let written = json!({"containers": [{"name": "web", "args": ["a"]}]});
        check(
            &written,
            &json!({"containers": [{"name": "web", "args": ["a"], "resources": {}}], "dnsPolicy": "x"}),
            true,
        );
        check(&written, &json!({"containers": [{"name": "web", "args": ["b"]}]}), false);
        check(&written, &json!({"containers": [{"name": "web"}]}), false);
        check(&written, &json!({"containers": [{"name": "web", "args": ["a"]}, {"name": "mesh"}]}), false);
        check(&written, &json!({}), false);
    }

    #[test]
    fn what_is_nothing_may_be_left_out_and_what_is_something_may_not() {
        for nothing in
            [json!(null), json!(false), json!(0), json!(""), json!([]), json!({}), json!({"a": null})]
        {
            check(&json!({"field": nothing}), &json!({}), true);
        }
        for something in [json!(true), json!(1), json!("a"), json!(["a"]), json!({"a": 1})] {
            check(&json!({"field": something}), &json!({}), false);
        }
        // A quantity in other words is not known to be the same.
        check(&json!({"cpu": 0.5}), &json!({"cpu": "500m"}), false);
    }
}
