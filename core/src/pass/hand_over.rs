//! The `ReplicaSets` whose Pods a workload is to take over: their templates are stored as its revisions while they are
//! there, so that their Pods are known when they are not, and users can go back to older ones.

use serde_json::Value;

use super::predecessor::AdoptFrom;
use super::store::create;
use super::stored::stored;
use super::subject::Subject;
use super::{Cluster, Failure, Locked, Memory, call};
use crate::workload::desired::selector_text;
use crate::workload::revision::handed_over;

/// The `ReplicaSets` that are to hand their Pods over, as of a version.
pub(super) struct ReplicaSets {
    pub(super) found: Vec<Value>,
    pub(super) version: String,
}

/// Asks for the `ReplicaSets` that are meant: of a Deployment those that the selector matches and that nobody else
/// controls, whether it has left them behind or not.
pub(super) async fn replica_sets<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    named: &AdoptFrom,
) -> Result<ReplicaSets, Failure> {
    let namespace = &subject.site.namespace;
    let selector = selector_text(&subject.workload.spec.selector);
    let (mut all, mut token) = (ReplicaSets { found: Vec::new(), version: String::new() }, String::new());
    loop {
        let call = match named {
            AdoptFrom::Deployment(_) => call::list_replica_sets(namespace, &selector, &token),
            AdoptFrom::ReplicaSet(name) => call::look_for_replica_set(namespace, name),
        };
        let mut page = cluster.send(call).await?;
        let items = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        all.found.extend(items.into_iter().filter(|found| is_meant(found, named)));
        let metadata = &page["metadata"];
        metadata["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut all.version);
        metadata["continue"].as_str().unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            return Ok(all);
        }
    }
}

/// Whether a `ReplicaSet` that was found is meant. One of another Deployment is no concern of ours.
fn is_meant(replica_set: &Value, named: &AdoptFrom) -> bool {
    let AdoptFrom::Deployment(name) = named else { return true };
    let mut owners = replica_set["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners
        .find(|owner| owner["controller"] == true)
        .is_none_or(|controller| controller["kind"] == "Deployment" && controller["name"] == **name)
}

/// Stores their templates as revisions of the workload, but for those that are stored.
pub(super) async fn store_handed_over<C: Cluster>(
    cluster: &C,
    subject: &Subject<'_>,
    replica_sets: &[Value],
    memory: &Locked<Memory>,
) -> Result<(), Failure> {
    let known = stored(cluster, subject, memory).await?;
    for (wanted, data) in replica_sets.iter().filter_map(handed_over) {
        if known.iter().all(|known| known.revision != wanted.revision) {
            // Another object of that name holds another template: these Pods are then not known, and are left alone.
            create(cluster, subject, wanted, &data, memory).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(owners: &Value, expect: bool) {
        let found = json!({"metadata": {"name": "web-1", "ownerReferences": owners}});
        assert_eq!(is_meant(&found, &AdoptFrom::Deployment("web".to_owned())), expect, "{owners}");
    }

    #[test]
    fn a_replica_set_is_meant_that_nobody_else_controls() {
        let owner = |kind: &str, name: &str, controller: bool| json!([{"kind": kind, "name": name, "controller": controller}]);
        check(&Value::Null, true);
        check(&owner("Deployment", "web", true), true);
        check(&owner("Deployment", "web-canary", true), false);
        check(&owner("Rollout", "web", true), false);
        check(&owner("Rollout", "web", false), true);
    }
}
