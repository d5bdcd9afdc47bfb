//! `release --finalizers-only`: where the operator is gone for good, Pods and workloads can be deleted again.

use std::collections::BTreeSet;

use hooked_core::accounting::ledger::operator_of;
use hooked_core::names::{ACCOUNTING_FINALIZER, REVISION_LABEL};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::ReleaseError;
use crate::check::leader;
use crate::connect::Connection;
use crate::ownership::{Kind, Mode, Objects, POD, StepError, WORKLOAD, is_held};
use crate::print::Screen;

/// Fails if an operator is at work, or if nobody can tell. Workloads tell in which namespace theirs was; without a
/// Lease there nothing says that it is gone.
pub(super) async fn check_nobody_leads(
    connection: &Connection,
    all: &Objects,
    operator_namespace: &str,
) -> Result<(), ReleaseError> {
    let workloads = match all.list(WORKLOAD, "").await {
        // Without the definition there are none.
        Err(StepError::UnknownKind(_)) => Vec::new(),
        listed => listed?,
    };
    let told = workloads.iter().filter_map(|workload| operator_of(workload["status"].get("ledger")));
    let told: BTreeSet<&str> = told.collect();
    let mut asked = told.clone();
    asked.insert(operator_namespace);
    for namespace in asked {
        let lease = leader::fetch(connection, namespace).await.map_err(ReleaseError::Leader)?;
        if lease.is_none() && (told.is_empty() || told.contains(namespace)) {
            return Err(ReleaseError::NoLease { namespace: namespace.to_owned() });
        }
        if let Ok(holder) = leader::holder(lease.as_ref(), Timestamp::now()) {
            return Err(ReleaseError::AtWork(format!("{holder} leads")));
        }
    }
    Ok(())
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
    use crate::served::{Served, not_found};

    #[tokio::test]
    async fn only_a_lease_that_is_free_says_that_the_operator_is_gone() {
        let check = async |operator: &'static str, flag: &str, expect: Option<&str>| {
            let served = Served::new(move |_, path, _, _| match path {
                _ if path.ends_with("/hookedworkloads") => {
                    let status = json!({"ledger": {"operator": operator}});
                    (200, json!({"metadata": {}, "items": [{"metadata": {"name": "web"}, "status": status}]}))
                }
                _ if path.contains("/namespaces/free/") => (200, json!({"metadata": {}, "spec": {}})),
                _ => not_found(),
            });
            let connection = served.connection();
            let said = check_nobody_leads(&connection, &Objects::of(&connection), flag).await;
            let said = said.err().map(|error| error.to_string());
            assert_eq!(said.is_some(), expect.is_some(), "{said:?}");
            assert!(said.unwrap_or_default().contains(expect.unwrap_or_default()), "{operator} {flag}");
        };
        check("", "free", None).await;
        check("", "none", Some("no Lease of an operator in namespace none")).await;
        check("free", "none", None).await;
        check("other", "free", Some("in namespace other")).await;
    }

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
