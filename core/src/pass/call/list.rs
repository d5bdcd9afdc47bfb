//! Requests that list Pods.

use super::{Call, Reply, Verb, pods};
use crate::names::HELD_LABEL;

/// Lists the metadata of the Pods that a selector matches, as they are since `version` at least: the page that follows
/// `token`, which is empty for the first one. So the API server answers from its cache and reads no Pods of others.
pub fn list_pods(namespace: &str, selector: &str, version: &str, token: &str) -> Call {
    let mut call = Call { reply: Reply::MetadataList, ..Call::new(Verb::Get, pods(namespace)) };
    call.query.push(("labelSelector", selector.to_owned()));
    if token.is_empty() {
        call.query.push(("resourceVersion", version.to_owned()));
        call.query.push(("resourceVersionMatch", "NotOlderThan".to_owned()));
    }
    call.page(token)
}

/// Lists the metadata of Pods of others that our finalizer was put on, in a namespace or in all of them: the page that
/// follows `token`, which is empty for the first one. No version is asked for: from its cache, as of version 0, the API
/// server answers with all Pods at once, whatever the limit.
pub fn list_held(namespace: Option<&str>, token: &str) -> Call {
    let place = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    let path = format!("/api/v1{place}/pods");
    let mut call = Call { reply: Reply::MetadataList, ..Call::new(Verb::Get, path) };
    call.query.push(("labelSelector", HELD_LABEL.to_owned()));
    call.page(token)
}
