//! Removes from a derived schema what a definition is better without.

use serde_json::{Map, Value};

/// Tidies a whole schema.
pub(super) fn tidy(schema: &mut Value) {
    each_object(schema, &mut |schema| {
        // The API server drops a null where the schema does not allow one, as native decoding does. Where the schema
        // allows it, the null would be stored, and every reader would have to know that it means "absent".
        schema.remove("nullable");
        schema.remove("title");
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = unfolded(description);
        }
    });
    if let Some(status) = schema.pointer_mut("/properties/status") {
        // The operator writes every counter itself; a default would only repeat that in the definition.
        each_object(status, &mut |schema| drop(schema.remove("default")));
    }
}

/// Lines of one paragraph joined, since `kubectl explain` breaks lines itself.
fn unfolded(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

/// Calls `change` on the schema and on every schema below it.
fn each_object(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
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
