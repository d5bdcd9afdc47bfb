//! What tests have refused.

use serde_json::json;

use super::*;
use crate::{Quota, Refusal, Verb};

#[test]
fn a_quota_lets_so_many_objects_in_and_counts_no_pod_that_has_ended() {
    let mut story = Story::new();
    let quota =
        Quota { name: "q".to_owned(), namespace: "ns".to_owned(), counts: "pods".to_owned(), limit: 1 };
    story.server.quotas().push(quota);
    story.running_pod("a");
    let message = story.refused(&Request::create(PODS, pod("b")), 403, "Forbidden");
    assert_eq!(
        message,
        "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
    );
    story.create("/api/v1/namespaces/other/pods", pod("b"));
    story.merge(&format!("{PODS}/a/status"), json!({"status": {"phase": "Succeeded"}}));
    story.create(PODS, pod("b"));
}

#[test]
fn admission_refuses_by_resource_verb_name_and_labels() {
    let mut story = Story::new();
    let labels = [("app".to_owned(), "x".to_owned())].into();
    story
        .server
        .refusals()
        .push(Refusal { labels, ..Refusal::denied("a.b", "pods", Some(Verb::Create), "no {name}") });
    story.create(PODS, pod("free"));
    let held = Request::create(PODS, pod_with("held", &json!({"labels": {"app": "x"}})));
    let message = story.refused(&held, 403, "Forbidden");
    assert_eq!(message, "admission webhook \"a.b\" denied the request: no held");
    story.server.refusals().clear();
    story.done(&held);
    let down =
        Refusal { name_prefix: "fr".to_owned(), ..Refusal::webhook_down("a.b", "pods", Some(Verb::Delete)) };
    story.server.refusals().push(down);
    story.done(&Request::delete(format!("{PODS}/held"), None));
    let message = story.refused(&Request::delete(format!("{PODS}/free"), None), 500, "InternalError");
    assert!(
        message.starts_with("Internal error occurred: failed calling webhook \"a.b\": failed to call"),
        "{message}"
    );
}

#[test]
fn a_namespace_that_goes_takes_nothing_new() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    story.server.terminating_namespaces().insert("ns".to_owned());
    let reply = story.ask(&Request::create(PODS, pod("b")));
    assert_eq!(
        (reply.code, &reply.body["details"]["causes"][0]["reason"]),
        (403, &json!("NamespaceTerminating"))
    );
    assert_eq!(
        reply.body["message"],
        "pods \"b\" is forbidden: unable to create new content in namespace ns because it is being terminated"
    );
    story.merge(&format!("{PODS}/a"), json!({"metadata": {"labels": {"x": "y"}}}));
}
