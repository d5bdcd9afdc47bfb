//! Watching objects.

use serde_json::json;

use super::*;
use crate::{EventType, WatchSpec};

/// A watch's events after a version as type, name and version.
#[track_caller]
fn events(story: &Story, request: &Request, after: u64) -> Vec<(&'static str, String, String)> {
    let watch = WatchSpec::of(request).unwrap();
    let events = story.server.events_since(&watch, after).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .iter()
        .map(|event| {
            let metadata = &event.object["metadata"];
            assert_eq!(metadata["resourceVersion"], event.version.to_string());
            (event.event_type.name(), text(&metadata["name"]), text(&metadata["resourceVersion"]))
        })
        .collect()
}

fn event(event_type: &'static str, name: &str, version: &str) -> (&'static str, String, String) {
    (event_type, name.to_owned(), version.to_owned())
}

#[test]
fn a_watch_tells_what_happened_after_its_version() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    story.merge(&format!("{PODS}/a"), json!({"metadata": {"labels": {"x": "y"}}}));
    story.create(DEPLOYMENTS, json!({"metadata": {"name": "d"}}));
    story.done(&Request::delete(format!("{PODS}/a"), None));
    let expect = [
        event("ADDED", "a", "2"),
        event("MODIFIED", "a", "3"),
        event("MODIFIED", "a", "5"),
        event("DELETED", "a", "6"),
    ];
    assert_eq!(events(&story, &Request::get(PODS), 1), expect);
    assert_eq!(events(&story, &Request::get("/api/v1/pods"), 3), expect[2..]);
    assert_eq!(events(&story, &Request::get("/api/v1/namespaces/n/pods"), 0), []);
    assert_eq!(events(&story, &Request::get(DEPLOYMENTS), 0), [event("ADDED", "d", "4")]);
}

#[test]
fn what_leaves_a_selection_is_deleted_as_it_was_last_seen() {
    let mut story = Story::new();
    let path = format!("{PODS}/a");
    story.create(PODS, pod_with("a", &json!({"labels": {"x": "1"}})));
    story.merge(&path, json!({"metadata": {"labels": {"x": "2"}}}));
    story.merge(&path, json!({"metadata": {"labels": {"x": "1"}}}));
    let request = Request::get(PODS).with("labelSelector", "x=1");
    assert_eq!(
        events(&story, &request, 0),
        [event("ADDED", "a", "2"), event("DELETED", "a", "3"), event("ADDED", "a", "4")]
    );
    let watch = WatchSpec::of(&request).unwrap();
    let gone = &story.server.events_since(&watch, 2).unwrap()[0];
    assert_eq!(gone.object["metadata"]["labels"]["x"], "1");
    let metadata = WatchSpec::of(&request.metadata_only()).unwrap();
    for event in story.server.events_since(&metadata, 0).unwrap() {
        assert_eq!(
            (&event.object["kind"], &event.object["spec"]),
            (&json!("PartialObjectMetadata"), &Value::Null)
        );
    }
}

#[test]
fn a_watch_on_fields_or_on_one_object_tells_of_nothing_else() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    story.running_pod("b");
    let on_node = Request::get("/api/v1/pods").with("fieldSelector", "spec.nodeName=n");
    assert_eq!(events(&story, &on_node, 0), [event("ADDED", "b", "4"), event("MODIFIED", "b", "5")]);
    assert_eq!(events(&story, &Request::get(format!("{PODS}/a")), 0), [event("ADDED", "a", "2")]);
}

#[test]
fn a_watch_from_before_a_compaction_is_expired() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    story.create(PODS, pod("b"));
    story.server.compact(2);
    let watch = WatchSpec::of(&Request::get(PODS)).unwrap();
    let expired = story.server.events_since(&watch, 1).unwrap_err();
    assert_eq!((&expired.status["code"], &expired.status["reason"]), (&json!(410), &json!("Expired")));
    assert_eq!(expired.status["message"], "too old resource version: 1 (2)");
    assert_eq!(story.server.events_since(&watch, 2).unwrap().len(), 1);
}

#[test]
fn a_watch_without_a_version_begins_with_what_is_there_and_a_bookmark_ends_that() {
    let mut story = Story::new();
    story.create(PODS, pod("a"));
    let watch = WatchSpec::of(&Request::get(PODS)).unwrap();
    let events = story.server.initial_events(&watch);
    assert_eq!(events.iter().map(|event| event.event_type).collect::<Vec<_>>(), [EventType::Added]);
    let bookmark = story.server.bookmark(&watch, true).to_json();
    assert_eq!(
        (&bookmark["type"], &bookmark["object"]["metadata"]["resourceVersion"]),
        (&json!("BOOKMARK"), &json!("2"))
    );
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}
