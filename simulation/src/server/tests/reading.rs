//! Getting and listing objects.

use serde_json::json;

use super::*;

#[test]
fn what_is_absent_is_told_by_a_status() {
    let reply = Story::new().ask(&Request::get(format!("{PODS}/x")));
    let expect = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "pods \"x\" not found", "details": {"name": "x", "kind": "pods"},
    });
    assert_eq!(*reply.body, expect);
    let message = Story::new().refused(&Request::get("/apis/none/v1/things"), 404, "NotFound");
    assert_eq!(message, "the server could not find the requested resource");
}

#[test]
fn a_list_selects_by_labels_and_fields_and_bears_the_latest_version() {
    let mut story = Story::new();
    story.create(PODS, pod_with("a", &json!({"labels": {"app": "x"}})));
    story.create(PODS, pod_with("b", &json!({"labels": {"app": "y"}})));
    story.create("/api/v1/namespaces/ns-2/pods", pod_with("c", &json!({"labels": {"app": "x"}})));
    let mut check = |path: &str, label: &str, field: &str, expect: &[&str]| {
        let list = story.done(&Request::get(path).with("labelSelector", label).with("fieldSelector", field));
        assert_eq!(names(&list), expect, "{path} {label} {field}");
        assert_eq!((&list["kind"], &list["metadata"]["resourceVersion"]), (&json!("PodList"), &json!("4")));
    };
    check(PODS, "", "", &["a", "b"]);
    check("/api/v1/pods", "", "", &["c", "a", "b"]);
    check("/api/v1/pods", "app=x", "", &["c", "a"]);
    check("/api/v1/pods", "app notin (x)", "", &["b"]);
    check("/api/v1/pods", "", "metadata.namespace=ns,status.phase=Pending", &["a", "b"]);
    check(PODS, "", "metadata.name=b", &["b"]);
    let refused = Request::get(PODS).with("fieldSelector", "spec.x=y");
    assert_eq!(story.refused(&refused, 400, "BadRequest"), "field label not supported: spec.x");
}

#[test]
fn the_pages_of_a_list_are_of_one_version() {
    let mut story = Story::new();
    for name in ["a", "b", "c", "d"] {
        story.create(PODS, pod(name));
    }
    let first = story.done(&Request::get(PODS).with("limit", "2"));
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(2)));
    let go_on = first["metadata"]["continue"].as_str().unwrap();
    story.done(&Request::delete(format!("{PODS}/c"), None));
    story.create(PODS, pod("e"));
    story.merge(&format!("{PODS}/d"), json!({"metadata": {"labels": {"x": "y"}}}));
    let second = story.done(&Request::get(PODS).with("limit", "2").with("continue", go_on));
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["items"][1]["metadata"]["labels"], Value::Null);
    assert_eq!(second["metadata"], json!({"resourceVersion": "5"}));
    story.server.compact(6);
    story.refused(&Request::get(PODS).with("continue", go_on), 410, "Expired");
}

#[test]
fn a_list_as_of_any_time_has_no_pages() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    story.create(PODS, pod("b"));
    let list = story.done(&Request::get(PODS).with("limit", "1").with("resourceVersion", "0"));
    assert_eq!((names(&list), &list["metadata"]["continue"]), (vec!["a", "b"], &Value::Null));
}

#[test]
fn a_client_can_ask_for_metadata_alone() {
    let mut story = Story::new();
    let made = story.create(PODS, pod("a"));
    let partial = story.done(&Request::get(format!("{PODS}/a")).metadata_only());
    let expect = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"]});
    assert_eq!(partial, expect);
    let list = story.done(&Request::get(PODS).metadata_only());
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"], json!([expect]));
    assert_eq!(story.ask(&Request::get(format!("{PODS}/b")).metadata_only()).body["kind"], "Status");
}
