//! What the status's schema leaves open, so that an operator which is newer than the definition can write.

use serde_json::{Map, Value};

use super::tidy::each_object;

/// Keywords that bound a value. What they would say stands in descriptions.
const BOUNDS: [&str; 7] = ["enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "default"];

/// Takes every bound off the status: values that a later version adds, fields that it adds or leaves out.
///
/// The keys of its lists stay required, and so do the fields of a condition, which all of Kubernetes expects.
pub(super) fn loosen(status: &mut Value) {
    require_only_keys(status);
    each_object(status, &mut |schema| {
        describe_values(schema);
        for bound in BOUNDS {
            schema.remove(bound);
        }
        if schema.get("format").is_some_and(|format| format == "int32") {
            schema.insert("format".to_owned(), "int64".into());
        }
        if schema.contains_key("properties") {
            schema.insert("x-kubernetes-preserve-unknown-fields".to_owned(), true.into());
        }
    });
}

/// Puts the values of an enumeration into its description.
fn describe_values(schema: &mut Map<String, Value>) {
    let Some(Value::Array(values)) = schema.get("enum") else { return };
    let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    let known = format!("One of {}.", values.join(", "));
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{description} {known}").trim().to_owned();
    schema.insert("description".to_owned(), description.into());
}

/// Requires nothing of an object but the keys by which a list tells its entries apart.
fn require_only_keys(schema: &mut Value) {
    each_object(schema, &mut |schema| {
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            let fields = properties.iter_mut().filter(|(name, _)| *name != "conditions");
            for field in fields.filter_map(|(_, field)| field.as_object_mut()) {
                field.remove("required");
                let keys = field.get("x-kubernetes-list-map-keys").cloned();
                let Some(Value::Object(items)) = field.get_mut("items") else { continue };
                match keys {
                    Some(keys) => items.insert("required".to_owned(), keys),
                    None => items.remove("required"),
                };
            }
        }
    });
}
