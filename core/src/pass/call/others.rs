//! Requests about what others control, which is read and never changed.

use super::{Call, Verb};

/// Lists the kinds of a group and version, such as `apps/v1`.
pub fn list_kinds(api_version: &str) -> Call {
    Call::new(Verb::Get, version_path(api_version)).whole()
}

/// Reads the metadata of an object of any kind; `resource` is the kind's name in paths.
pub fn find_object(namespace: &str, api_version: &str, resource: &str, name: &str) -> Call {
    let path = format!("{}/namespaces/{namespace}/{resource}/{name}", version_path(api_version));
    Call::new(Verb::Get, path)
}

fn version_path(api_version: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{api_version}")
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
    let mut call = Call::new(Verb::Get, format!("/apis/apps/v1/namespaces/{namespace}/replicasets")).whole();
    call.query.push((selector, value.to_owned()));
    call
}
