//! Reading and writing what all objects have: their metadata.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// The finalizer by which the garbage collector takes the dependents away first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer by which the garbage collector sets the dependents free first.
pub(crate) const ORPHAN: &str = "orphan";

/// A field of the metadata as text; empty if there is none.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The metadata, made if need be.
pub(crate) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    child(object, "metadata")
}

/// A field that is an object, made one if it is none.
pub(crate) fn child<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    let fields = map(object);
    map(fields.entry(field).or_insert(Value::Null))
}

fn map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("it has just been made an object"),
    }
}

/// The items of a list of the metadata.
pub(crate) fn items<'a>(object: &'a Value, list: &str) -> &'a [Value] {
    object["metadata"][list].as_array().map_or(&[], Vec::as_slice)
}

/// Whether the object has the finalizer.
pub(crate) fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    items(object, "finalizers").iter().any(|one| one == finalizer)
}

/// Whether somebody has asked for the object's end.
pub(crate) fn is_terminating(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The grace period of a deletion under way.
pub(crate) fn grace(object: &Value) -> Option<i64> {
    object["metadata"]["deletionGracePeriodSeconds"].as_i64()
}

/// When the object is to be gone at the latest.
pub(crate) fn deletion(object: &Value) -> Option<Timestamp> {
    text(object, "deletionTimestamp").parse().ok()
}

/// A time as `metav1.Time` shows it: whole seconds.
pub(crate) fn shown(time: Timestamp) -> Value {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string().into()
}

/// That many seconds later, or never if that is beyond the end of time.
pub(crate) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Sets the finalizers, and leaves no empty list behind.
pub(crate) fn set_finalizers(object: &mut Value, finalizers: Vec<Value>) {
    if finalizers.is_empty() {
        metadata(object).remove("finalizers");
    } else {
        metadata(object).insert("finalizers".to_owned(), Value::Array(finalizers));
    }
}

/// Takes a field from one object's metadata into another's, also its absence.
pub(crate) fn take_over(object: &mut Value, from: &Value, field: &str) {
    match from["metadata"].get(field) {
        Some(value) => drop(metadata(object).insert(field.to_owned(), value.clone())),
        None => drop(metadata(object).remove(field)),
    }
}

/// Drops what a typed API server does not keep: nulls, empty lists and maps of the metadata, and managed fields.
pub(crate) fn tidy(object: &mut Value) {
    let fields = metadata(object);
    for field in ["managedFields", "selfLink"] {
        fields.remove(field);
    }
    fields.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
}

/// Drops every field that is null, at any depth.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
