//! Finding out whether what controls the Pods that a workload is to take over is gone.

use serde_json::Value;

use super::hand_over::{ReplicaSets, replica_sets, store_handed_over};
use super::overlay::Committed;
use super::predecessor::{AdoptFrom, AdoptFromError, Predecessor};
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::names::ADOPT_FROM_ANNOTATION;

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
    let found = find(cluster, subject, &named, memory).await;
    let namespace = &subject.site.namespace;
    let predecessor = &mut memory.lock().predecessor;
    match found {
        Ok(Found::Gone(version)) => *predecessor = Predecessor::Gone(version),
        Ok(Found::There(words)) => predecessor.await_longer(words, true, cluster.now()),
        Err(failure) => {
            predecessor.await_longer(unknown(&named, namespace, &failure), false, cluster.now());
        }
    }
    Ok(())
}

enum Found {
    /// As of that version.
    Gone(String),
    /// Who is still there, and what helps.
    There(String),
}

async fn find<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    named: &AdoptFrom,
    memory: &Locked<Memory>,
) -> Result<Found, Failure> {
    let namespace = &subject.site.namespace;
    // In this order: a Deployment that is gone makes no ReplicaSet after that.
    let deployment = match named {
        AdoptFrom::Deployment(name) if is_there(cluster, namespace, name).await? => Some(name),
        AdoptFrom::Deployment(_) | AdoptFrom::ReplicaSet(_) => None,
    };
    let ReplicaSets { found, version } = replica_sets(cluster, subject, named).await?;
    store_handed_over(cluster, subject, &found, memory).await?;
    Ok(match (deployment, found.first()) {
        (Some(name), _) => Found::There(format!(
            "waits until Deployment {name} is gone, and makes no Pod beside it: `kubectl hooked adopt deployment/{name} \
             -n {namespace}` hands its Pods over; without the annotation {ADOPT_FROM_ANNOTATION} Pods are made at once"
        )),
        (None, Some(left)) => Found::There(remains(left, namespace)),
        (None, None) => Found::Gone(version),
    })
}

async fn is_there<C: Cluster>(cluster: &C, namespace: &str, deployment: &str) -> Result<bool, Failure> {
    match cluster.send(call::find_object(namespace, "apps/v1", "deployments", deployment)).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_not_found() => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn remains(replica_set: &Value, namespace: &str) -> String {
    let name = replica_set["metadata"]["name"].as_str().unwrap_or_default();
    format!(
        "waits until ReplicaSet {name} is gone, which still makes Pods: `kubectl hooked adopt` goes on where it has \
         stopped, or `kubectl delete replicaset {name} -n {namespace} --cascade=orphan` leaves its Pods to the workload"
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
    use super::super::Refused;
    use super::*;

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
