//! Removes from a derived schema what a definition is better without.

use serde_json::{Map, Value};

/// Tidies a whole schema.
pub(super) fn tidy(schema: &mut Value) {
    each_object(schema, &mut |schema| {
        schema.remove("title");
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            // Where a null is allowed is said once, by `nulls`.
            properties
                .values_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|property| drop(property.remove("nullable")));
        }
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = unfolded(description);
        }
    });
}

/// Writes `50.0` as `50`: the API types hold every bound as a floating-point number.
pub(super) fn write_whole_numbers_whole(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(write_whole_numbers_whole),
        Value::Object(values) => values.values_mut().for_each(write_whole_numbers_whole),
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) =
                number.to_string().strip_suffix(".0").and_then(|whole| whole.parse::<i64>().ok())
            {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

/// Lines of one paragraph joined, since `kubectl explain` breaks lines itself.
fn unfolded(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

/// Calls `change` on the schema and on every schema below it.
pub(super) fn each_object(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(schema) = schema else { return };
    change(schema);
    for keyword in ["items", "additionalProperties"] {
        if let Some(below) = schema.get_mut(keyword) {
            each_object(below, change);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            each_object(property, change);
        }
    }
}
