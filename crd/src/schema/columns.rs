//! What `kubectl get hookedworkloads` shows.

use serde_json::{Value, json};

use super::Error;

/// Name, type, where it is read, and whether only `-o wide` shows it.
const COLUMNS: &[(&str, &str, &str, bool)] = &[
    ("DESIRED", "integer", ".spec.replicas", false),
    ("READY", "integer", ".status.readyReplicas", false),
    ("UP-TO-DATE", "integer", ".status.updatedReplicas", false),
    ("HOOKS-OK", "integer", ".status.hookTotals.succeeded", false),
    ("HOOKS-FAILED", "integer", ".status.hookTotals.failed", false),
    ("KILLS", "integer", ".status.hookTotals.kills", false),
    ("LAST-HOOK", "string", ".status.lastHook", false),
    ("AGE", "date", ".metadata.creationTimestamp", false),
    ("AVAILABLE", "integer", ".status.availableReplicas", true),
    ("RUNNING-HOOKS", "integer", ".status.hooksRunning", true),
    ("REVISION", "string", ".status.updateRevision", true),
    ("SELECTOR", "string", ".status.selector", true),
];

/// Adds the columns to the definition's version.
pub(super) fn add_to(definition: &mut Value) -> Result<(), Error> {
    let version = definition
        .pointer_mut("/spec/versions/0")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| Error::NoSuchPlace("version".to_owned()))?;
    let columns = COLUMNS.iter().map(|&(name, type_, path, wide)| {
        let mut column = json!({"name": name, "type": type_, "jsonPath": path});
        if wide {
            column["priority"] = json!(1);
        }
        column
    });
    version.insert("additionalPrinterColumns".to_owned(), columns.collect());
    Ok(())
}
