//! Takes workloads over from operators of other namespaces that are gone for good.
//!
//! This comes before Pods are listed: what another operator counts of a Pod that is listed here, and is gone before the
//! other has stopped, would be counted twice. Once the ledger names this operator, the other writes nothing any more.

use hooked_core::accounting::ledger::taken_over;
use hooked_core::backoff;
use hooked_core::pass::{Cluster, Failure, call};
use hooked_core::workload::template::Owner;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use crate::watch::Scope;

/// Has the ledgers of a scope that name one of `others` name this operator, and returns when all do.
pub(crate) async fn take_over(cluster: &impl Cluster, scope: &Scope, others: &[String]) {
    let mut failures = 0;
    while !others.is_empty() {
        match take_all(cluster, scope, others).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "workloads could not be taken over and will be");
                failures += 1;
                tokio::time::sleep(backoff::rest(failures)).await;
            }
        }
    }
}

async fn take_all(cluster: &impl Cluster, scope: &Scope, others: &[String]) -> Result<(), Failure> {
    let mut token = String::new();
    loop {
        let page = cluster.send(call::list_workloads(scope.0.as_deref(), &token)).await?;
        for object in page["items"].as_array().into_iter().flatten() {
            take(cluster, object, others).await?;
        }
        page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            return Ok(());
        }
    }
}

/// Takes one workload over, if it is one of theirs. One that the API server does not let us write stays theirs.
async fn take(cluster: &impl Cluster, object: &Value, others: &[String]) -> Result<(), Failure> {
    let Some(status) = taken_over(&object["status"], others, cluster.operator()) else { return Ok(()) };
    let metadata = ObjectMeta::deserialize(&object["metadata"]).unwrap_or_default();
    let owner = Owner::of(&metadata);
    let namespace = metadata.namespace.unwrap_or_default();
    let version = metadata.resource_version.unwrap_or_default();
    let (name, uid) = (&owner.name, &owner.uid);
    match cluster.send(call::write_status(&namespace, &owner, &version, &status)).await {
        Ok(_) => tracing::info!(namespace, name, uid, "the workload is taken over"),
        Err(failure) if failure.is_not_found() => {}
        Err(failure) if failure.refusal().is_some() && !failure.is_conflict() => {
            tracing::warn!(%failure, namespace, name, uid, "the workload cannot be taken over");
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}
