//! Requests about what others control: read, and as metadata alone.

use super::{Call, Reply, Verb};

fn apps(namespace: &str, plural: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/{plural}")
}

/// Reads the metadata of a Deployment.
pub fn find_deployment(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, format!("{}/{name}", apps(namespace, "deployments")))
}

/// Lists the metadata of the `ReplicaSets` that a selector matches: the page that follows `token`, which is empty for
/// the first one.
pub fn list_replica_sets(namespace: &str, selector: &str, token: &str) -> Call {
    list("labelSelector", selector, namespace).page(token)
}

/// The metadata of the ReplicaSet of that name, as a list: it says of which version it is though it is empty.
pub fn look_for_replica_set(namespace: &str, name: &str) -> Call {
    list("fieldSelector", &format!("metadata.name={name}"), namespace)
}

fn list(selector: &'static str, value: &str, namespace: &str) -> Call {
    let mut call = Call::new(Verb::Get, apps(namespace, "replicasets"));
    call.reply = Reply::MetadataList;
    call.query.push((selector, value.to_owned()));
    call
}
