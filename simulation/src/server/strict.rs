//! Fields that nobody knows: dropped, or refused under `fieldValidation=Strict`.

use k8s_openapi::api::core::v1::{Pod, PodTemplate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::resources::Resource;

/// Drops the fields that Kubernetes does not know, and refuses an object that has some if it is to be taken strictly.
/// Of kinds other than Pods and their templates this server knows no fields, and takes them as they are.
pub(crate) fn validate(of: &Resource, object: &mut Value, is_strict: bool) -> Result<(), Failure> {
    let known = match of.kind {
        "Pod" => known::<Pod>(object),
        "PodTemplate" => known::<PodTemplate>(object),
        _ => None,
    };
    let mut errors = Vec::new();
    if let Some(known) = known {
        drop_unknown(object, &known, "", &mut errors);
    }
    if errors.is_empty() || !is_strict {
        return Ok(());
    }
    let (kind, version, errors) = (of.kind, of.api_version(), errors.join(", "));
    Err(Failure::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {errors}"
    )))
}

/// What is left of an object that is read and written again; none if it cannot be read, which is told elsewhere.
fn known<K: DeserializeOwned + Serialize>(object: &Value) -> Option<Value> {
    let mut object = object.clone();
    // Clients may leave out what the path says.
    for field in ["apiVersion", "kind"] {
        if let Value::Object(fields) = &mut object {
            fields.remove(field);
        }
    }
    serde_json::to_value(K::deserialize(object).ok()?).ok()
}

/// Drops what is not in `known`, and tells of it.
fn drop_unknown(object: &mut Value, known: &Value, path: &str, errors: &mut Vec<String>) {
    match (object, known) {
        (Value::Object(fields), Value::Object(known)) => fields.retain(|name, value| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => drop_unknown(value, known, &path, errors),
                None if !value.is_null() => errors.push(format!("unknown field {path:?}")),
                None => {}
            }
            known.contains_key(name)
        }),
        (Value::Array(items), Value::Array(known)) => {
            for (at, (item, known)) in items.iter_mut().zip(known).enumerate() {
                drop_unknown(item, known, &format!("{path}[{at}]"), errors);
            }
        }
        _ => {}
    }
}
