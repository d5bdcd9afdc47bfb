//! Small steps on templates as JSON.

use serde_json::Value;

/// Adds items to a list, which is made where there is none.
pub(super) fn append(list: &mut Value, items: impl IntoIterator<Item = Value>) {
    let mut all = list.as_array().cloned().unwrap_or_default();
    all.extend(items);
    *list = Value::Array(all);
}

/// A text; empty where there is none.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
