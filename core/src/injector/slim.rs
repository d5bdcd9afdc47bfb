//! Workloads as the injector watches them, with just the fields that it reads.

use std::collections::BTreeSet;

use hooked_crd::{HooksSpec, Referent};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;
use serde_json::Value;

use crate::accounting::ledger::unrunnable_revisions;
use crate::names::ACCOUNTING_FINALIZER;
use crate::workload::asked::Asked;

/// A workload of which is kept what it asks for in Pods of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written")]
pub struct SlimWatcher {
    /// Its names.
    pub metadata: ObjectMeta,
    /// The workload whose Pods it watches, if it watches any.
    pub(super) referent: Option<Referent>,
    /// What it asks for.
    pub(super) asked: Asked,
    /// The revisions in whose Pods the hook-runner cannot run.
    pub(super) unrunnable: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    finalizers: Vec<String>,
    deletion_timestamp: Option<Time>,
}

/// One that cannot be decoded asks for nothing, and is no other's trouble.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    workload_ref: Value,
    hooks: Value,
}

/// Of a status that cannot be decoded nothing is known.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "unrunnable_revisions")]
    ledger: BTreeSet<String>,
}

impl From<Written> for SlimWatcher {
    fn from(written: Written) -> Self {
        let Meta { name, namespace, uid, resource_version, finalizers, deletion_timestamp } =
            written.metadata;
        let (Spec { workload_ref, hooks }, unrunnable) = (written.spec, written.status.ledger);
        let hooks = HooksSpec::deserialize(hooks).ok();
        let asked = Asked::by(hooks.as_ref());
        // No Pod is held for a workload that could go before the Pod.
        let is_held = finalizers.iter().any(|name| name == ACCOUNTING_FINALIZER);
        let holds = asked.holds && is_held && deletion_timestamp.is_none();
        Self {
            metadata: ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() },
            referent: Referent::deserialize(workload_ref).ok(),
            asked: Asked { holds, ..asked },
            unrunnable,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::accounting::ledger::{Ledger, Unrunnable};
    use crate::lifecycle::Inability;

    #[test]
    fn pods_are_held_only_for_a_workload_that_waits_for_them() {
        fn check(metadata: &Value, expect: bool) {
            let written = json!({"metadata": metadata, "spec": {"hooks": {"evidence": "Durable"}}});
            assert_eq!(SlimWatcher::deserialize(written).unwrap().asked.holds, expect, "{metadata}");
        }
        check(&json!({"name": "w"}), false);
        check(&json!({"finalizers": ["theirs"]}), false);
        check(&json!({"finalizers": ["theirs", "hooked.dev/accounting"]}), true);
        let going = "2026-11-22T10:00:00Z";
        check(&json!({"finalizers": ["hooked.dev/accounting"], "deletionTimestamp": going}), false);
    }

    #[test]
    fn the_revisions_in_which_the_runner_cannot_run_are_read_of_the_ledger() {
        fn check(status: &Value, expect: &[&str]) {
            let written = json!({"metadata": {"name": "w"}, "spec": {}, "status": status});
            let read = SlimWatcher::deserialize(written).unwrap().unrunnable;
            assert_eq!(read.iter().map(String::as_str).collect::<Vec<_>>(), expect, "{status}");
        }
        let shown = Unrunnable { inability: Inability::NotPulled, node: Some("n".into()), last: 7 };
        let unrunnable = [("b".into(), shown.clone()), ("a".into(), shown)];
        let ledger = Ledger { unrunnable: unrunnable.into(), ..Ledger::default() };
        check(&json!({"ledger": ledger.store().unwrap(), "replicas": 3}), &["a", "b"]);
        check(&json!({"ledger": Ledger::default().store().unwrap()}), &[]);
        check(&json!({"ledger": {"version": 99, "unrunnable": "of a later version"}}), &[]);
        check(&json!({"ledger": null}), &[]);
        check(&json!({}), &[]);
    }

    #[test]
    fn one_that_cannot_be_decoded_asks_for_nothing() {
        fn check(spec: &Value, expect: [bool; 2]) {
            let written = json!({"metadata": {"name": "w", "uid": "u", "managedFields": []}, "spec": spec});
            let slim = SlimWatcher::deserialize(written).unwrap();
            assert_eq!([slim.referent.is_some(), !slim.asked.is_nothing()], expect, "{spec}");
        }
        let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let runner = json!({"measurement": "Runner"});
        check(&json!({"workloadRef": web, "hooks": runner}), [true, true]);
        check(&json!({"workloadRef": web}), [true, false]);
        check(&json!({"template": {}, "hooks": runner}), [false, true]);
        check(&json!({"workloadRef": "web", "hooks": {"measurement": "Never"}}), [false, false]);
        check(&json!({}), [false, false]);
    }
}
