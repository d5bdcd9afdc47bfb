//! Requests about objects whose kind only the cluster knows.

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
