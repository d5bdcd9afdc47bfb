//! Requests about what others control, which is read and never changed.

use super::{Call, Verb};

fn apps(namespace: &str, plural: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/{plural}")
}

/// Reads the metadata of a Deployment.
pub fn find_deployment(namespace: &str, name: &str) -> Call {
    Call::new(Verb::Get, format!("{}/{name}", apps(namespace, "deployments")))
}

/// Lists the `ReplicaSets` that a selector matches: the page that follows `token`, which is empty for the first one.
pub fn list_replica_sets(namespace: &str, selector: &str, token: &str) -> Call {
    list("labelSelector", selector, namespace).page(token)
}

/// The `ReplicaSet` of that name, as a list: it says of which version it is though it is empty.
pub fn look_for_replica_set(namespace: &str, name: &str) -> Call {
    list("fieldSelector", &format!("metadata.name={name}"), namespace)
}

fn list(selector: &'static str, value: &str, namespace: &str) -> Call {
    let mut call = Call::new(Verb::Get, apps(namespace, "replicasets")).whole();
    call.query.push((selector, value.to_owned()));
    call
}
