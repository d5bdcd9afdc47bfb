//! Finding out whether what controls the Pods that a workload is to take over is gone.

use serde_json::Value;

use super::overlay::Committed;
use super::predecessor::{AdoptFrom, AdoptFromError, Predecessor};
use super::subject::{Site, Subject};
use super::{Cluster, Failure, Locked, Memory, call};
use crate::names::ADOPT_FROM_ANNOTATION;
use crate::workload::desired::serialize_selector;

/// Looks whether what the annotation names is gone, where that matters and it is time. What is found stays in `memory`.
pub(super) async fn await_predecessor<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    before: &Committed,
    memory: &Locked<Memory>,
) -> Result<(), AdoptFromError> {
    let named = subject.annotation(ADOPT_FROM_ANNOTATION);
    let named = named.filter(|_| before.ledger.sizes.is_none() && subject.leaving.is_none());
    let Some(named) = named else {
        let mut memory = memory.lock();
        if memory.predecessor.awaited().is_some() {
            memory.predecessor = Predecessor::Unknown;
        }
        return Ok(());
    };
    let named: AdoptFrom = named.parse()?;
    {
        let memory = memory.lock();
        if !memory.predecessor.is_due(memory.may_adopt(), cluster.now()) {
            return Ok(());
        }
    }
    let found = find(cluster, subject, &named).await;
    let namespace = &subject.site.namespace;
    let mut memory = memory.lock();
    match found {
        Ok(Found::Gone(version)) => {
            memory.predecessor = Predecessor::Gone(version);
            // Who hands Pods over stores their revisions first.
            memory.revisions.stored = None;
        }
        Ok(Found::There(words)) => memory.predecessor.await_longer(words, cluster.now()),
        Err(failure) => memory.predecessor.await_longer(unknown(&named, namespace, &failure), cluster.now()),
    }
    Ok(())
}

enum Found {
    Gone(String),
    /// Who is still there, and what helps.
    There(String),
}

async fn find<C: Cluster>(cluster: &C, subject: &Subject<'_>, named: &AdoptFrom) -> Result<Found, Failure> {
    let Site { namespace, .. } = &subject.site;
    match named {
        AdoptFrom::Deployment(name) => match cluster.send(call::find_deployment(namespace, name)).await {
            Ok(_) => Ok(Found::There(format!(
                "waits until Deployment {name} is gone, and makes no Pod beside it: `kubectl hooked adopt \
                 deployment/{name} -n {namespace}` hands its Pods over; without the annotation \
                 {ADOPT_FROM_ANNOTATION} Pods are made at once"
            ))),
            Err(failure) if failure.is_not_found() => find_left(cluster, subject, name).await,
            Err(failure) => Err(failure),
        },
        AdoptFrom::ReplicaSet(name) => {
            let list = cluster.send(call::look_for_replica_set(namespace, name)).await?;
            let is_there = list["items"].as_array().is_some_and(|items| !items.is_empty());
            Ok(if is_there { Found::There(remains(name, namespace)) } else { gone(&list) })
        }
    }
}

/// Looks for a ReplicaSet that a Deployment has left behind: one that the selector matches, and that nobody controls
/// but perhaps that Deployment. One of another Deployment is no concern of ours.
async fn find_left<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    deployment: &str,
) -> Result<Found, Failure> {
    let (namespace, selector) =
        (&subject.site.namespace, serialize_selector(&subject.workload.spec.selector));
    let mut token = String::new();
    loop {
        let page = cluster.send(call::list_replica_sets(namespace, &selector, &token)).await?;
        let mut found = page["items"].as_array().into_iter().flatten();
        if let Some(left) = found.find(|found| is_left_by(found, deployment)) {
            let name = left["metadata"]["name"].as_str().unwrap_or_default();
            return Ok(Found::There(remains(name, namespace)));
        }
        page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            return Ok(gone(&page));
        }
    }
}

fn is_left_by(replica_set: &Value, deployment: &str) -> bool {
    let mut owners = replica_set["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners
        .find(|owner| owner["controller"] == true)
        .is_none_or(|controller| controller["kind"] == "Deployment" && controller["name"] == deployment)
}

fn gone(list: &Value) -> Found {
    Found::Gone(list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
}

fn remains(replica_set: &str, namespace: &str) -> String {
    format!(
        "waits until ReplicaSet {replica_set} is gone, which still makes Pods: `kubectl hooked adopt` goes on where it \
         has stopped, or `kubectl delete replicaset {replica_set} -n {namespace} --cascade=orphan` leaves its Pods to \
         the workload"
    )
}

fn unknown(named: &AdoptFrom, namespace: &str, failure: &Failure) -> String {
    let (AdoptFrom::Deployment(name) | AdoptFrom::ReplicaSet(name)) = named;
    let is_forbidden = failure.refusal().is_some_and(|refused| refused.code == 403);
    let help = if is_forbidden {
        ": the operator needs the rights to get deployments.apps and to list replicasets.apps there, which config/rbac \
         of its version gives"
    } else {
        ""
    };
    format!("whether {name} is gone from namespace {namespace} could not be looked up: {failure}{help}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Refused;
    use super::*;

    fn check_left(owners: &Value, expect: bool) {
        let found = json!({"metadata": {"name": "web-1", "ownerReferences": owners}});
        assert_eq!(is_left_by(&found, "web"), expect, "{owners}");
    }

    #[test]
    fn a_replica_set_is_left_behind_that_nobody_else_controls() {
        let owner = |kind: &str, name: &str, controller: bool| json!([{"kind": kind, "name": name, "controller": controller}]);
        check_left(&Value::Null, true);
        check_left(&owner("Deployment", "web", true), true);
        check_left(&owner("Deployment", "web-canary", true), false);
        check_left(&owner("Rollout", "web", true), false);
        check_left(&owner("Rollout", "web", false), true);
    }

    #[test]
    fn a_right_that_is_missing_is_named_with_the_fix() {
        let refused = |code: u16| {
            let refused = Refused { code, message: "no".to_owned(), ..Refused::default() };
            unknown(&AdoptFrom::Deployment("web".to_owned()), "shop", &Failure::Refused(refused))
        };
        assert!(refused(403).contains("needs the rights to get deployments.apps"), "{}", refused(403));
        assert!(!refused(500).contains("rights"), "{}", refused(500));
    }
}
