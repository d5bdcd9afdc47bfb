//! Where a user may write null: wherever a Deployment's user may.

use serde_json::{Value, json};

use super::tidy::each_object;

/// Allows null for every optional field of the spec.
///
/// Native decoding takes null for absent. Of a custom resource the API server drops a null that is not allowed, but
/// under server-side apply it refuses it. So a null is stored as it is written, and whoever reads a field takes null
/// for absent. A field with a default gets its default instead, also under server-side apply, and a key of a list may
/// not be null: it is required, or has a default.
pub(super) fn allow(spec: &mut Value) {
    each_object(spec, &mut |schema| {
        let required = schema.get("required").cloned().unwrap_or_default();
        let is_required = |name: &str| required.as_array().is_some_and(|all| all.contains(&json!(name)));
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        let optional = properties.iter_mut().filter(|(name, _)| !is_required(name));
        for property in optional.filter_map(|(_, property)| property.as_object_mut()) {
            if !property.contains_key("default") {
                property.insert("nullable".to_owned(), json!(true));
                // The API server takes null for no value of an `enum`, also where the enum names null.
                if let Some(values) = property.remove("enum") {
                    property.insert("pattern".to_owned(), json!(one_of(&values)));
                }
            }
        }
    });
}

/// The pattern of a text that is one of these.
fn one_of(values: &Value) -> String {
    let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
    format!("^({})$", values.collect::<Vec<_>>().join("|"))
}
