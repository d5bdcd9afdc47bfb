//! `release --finalizers-only`: where the operator is gone for good, Pods and workloads can be deleted again.

use hooked_core::names::{ACCOUNTING_FINALIZER, REVISION_LABEL};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::ReleaseError;
use crate::check::leader;
use crate::connect::Connection;
use crate::ownership::{Kind, Mode, Objects, POD, StepError, WORKLOAD, is_held};
use crate::print::Screen;

/// Fails if an operator is at work, or if nobody can tell.
pub(super) async fn check_nobody_leads(
    connection: &Connection,
    operator_namespace: &str,
) -> Result<(), ReleaseError> {
    let lease = leader::fetch(connection, operator_namespace).await.map_err(ReleaseError::Leader)?;
    match leader::holder(lease.as_ref(), Timestamp::now()) {
        Ok(holder) => Err(ReleaseError::AtWork(format!("{holder} leads"))),
        Err(_) => Ok(()),
    }
}

/// Takes our finalizer off all Pods and workloads of the namespace, or of all.
pub(super) async fn remove(
    connection: &Connection,
    all: &Objects,
    mode: Mode,
    screen: &Screen,
) -> Result<(), ReleaseError> {
    for (kind, selector) in [(POD, REVISION_LABEL), (WORKLOAD, "")] {
        let held: Vec<Value> = all.list(kind, selector).await?.into_iter().filter(is_held).collect();
        for object in &held {
            remove_one(connection, kind, object, mode).await?;
        }
        let would = if mode == Mode::Try { "would be taken" } else { "was taken" };
        screen.say(format!("the finalizer {would} off {} {}", held.len(), kind.resource()))?;
    }
    Ok(())
}

async fn remove_one(
    connection: &Connection,
    kind: Kind,
    object: &Value,
    mode: Mode,
) -> Result<(), StepError> {
    let metadata = &object["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    let objects = Objects::within(connection, text("namespace"));
    match objects.merge(kind, text("name"), &without(metadata), mode).await {
        // It is gone, or has changed: who still finds a finalizer runs the command again.
        Err(StepError::Refused { code: 404 | 409, .. }) => Ok(()),
        removed => removed.map(drop),
    }
}

/// The change of just this object, at just this version: lists are replaced whole.
fn without(metadata: &Value) -> Value {
    let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
    let others: Vec<&Value> = finalizers.filter(|finalizer| **finalizer != *ACCOUNTING_FINALIZER).collect();
    json!({"metadata": {
        "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "finalizers": others,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_of_others_stay() {
        let metadata = json!({
            "uid": "u-1", "resourceVersion": "7",
            "finalizers": ["example.org/a", "hooked.dev/accounting"],
        });
        let expect =
            json!({"metadata": {"uid": "u-1", "resourceVersion": "7", "finalizers": ["example.org/a"]}});
        assert_eq!(without(&metadata), expect);
        assert!(is_held(&json!({"metadata": metadata})) && !is_held(&json!({"metadata": {}})));
    }
}
