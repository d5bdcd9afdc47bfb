//! What comes as protobuf says the same as what came as JSON.

use std::fmt::Debug;

use hooked_core::watch::{SlimEvent, SlimPod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ObjectList, PartialObjectMeta, Status, WatchEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::recorded;
use crate::wire::envelope::to_json;
use crate::wire::frames::Frames;

/// The answer as it came in JSON, and as it is made of protobuf, decoded.
fn both<T: DeserializeOwned>(name: &str) -> [T; 2] {
    let json = recorded(&format!("{name}.json"));
    let made = to_json(&recorded(&format!("{name}.pb"))).unwrap();
    [json, made].map(|json| serde_json::from_slice(&json).unwrap())
}

/// The events of a watch, as they came in JSON and as they are made of protobuf.
fn events<T: DeserializeOwned>(name: &str) -> [Vec<T>; 2] {
    let json = recorded(&format!("{name}.json"));
    let mut frames = Frames::default();
    frames.extend(&recorded(&format!("{name}.pb")));
    let made = frames.take_lines().unwrap();
    [json, made].map(|lines| {
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    })
}

fn assert_equal(name: &str, [json, made]: &[impl Debug; 2]) {
    assert_eq!(format!("{made:#?}"), format!("{json:#?}"), "{name}");
}

/// Without what is never read of metadata.
fn lean(meta: ObjectMeta) -> ObjectMeta {
    ObjectMeta { managed_fields: None, ..meta }
}

#[test]
fn a_pod_in_protobuf_is_the_pod_in_json() {
    assert_equal("pod", &both::<SlimPod>("pod"));
    let lists = both::<ObjectList<SlimPod>>("list");
    assert_eq!((lists[0].items.len(), lists[0].metadata.remaining_item_count), (1, Some(1)));
    assert!(lists[0].metadata.continue_.is_some());
    assert_equal("list", &lists);
    assert_equal("none", &both::<ObjectList<SlimPod>>("none"));
}

#[test]
fn an_event_in_protobuf_is_the_event_in_json() {
    let lists = both::<ObjectList<SlimEvent>>("event_list");
    assert_eq!(lists[0].items.len(), 1);
    // What an Event says is left out of its debug text.
    let said = lists
        .map(|list| list.items.into_iter().map(|it| (it.event.evidence(), it.event.message, it.metadata)));
    assert_equal("event_list", &said.map(Iterator::collect::<Vec<_>>));
}

#[test]
fn metadata_in_protobuf_is_the_metadata_in_json() {
    let metadata = both::<PartialObjectMeta>("metadata").map(|object| (object.types, lean(object.metadata)));
    assert_equal("metadata", &metadata);
    let lists = both::<ObjectList<PartialObjectMeta>>("metadata_list").map(|list| {
        let items = list.items.into_iter().map(|object| lean(object.metadata));
        (list.metadata, items.collect::<Vec<_>>())
    });
    assert_eq!(lists[0].1.len(), 1);
    assert_equal("metadata_list", &lists);
}

#[test]
fn a_refusal_in_protobuf_is_the_refusal_in_json() {
    let [json, made] = both::<Status>("missing");
    assert_eq!((made.code, &made), (404, &json));
    let [json, made] = both::<Status>("invalid");
    assert!(json.details.as_ref().is_some_and(|details| details.causes.len() > 1));
    assert_eq!((made.code, &made), (422, &json));
}

/// An event, or the version that a bookmark tells, with whether the list that comes before the watch ends there.
fn shown<T: Debug>(event: WatchEvent<T>) -> String {
    match event {
        WatchEvent::Added(object) => format!("added {object:#?}"),
        WatchEvent::Modified(object) => format!("modified {object:#?}"),
        WatchEvent::Deleted(object) => format!("deleted {object:#?}"),
        WatchEvent::Bookmark(bookmark) => {
            let metadata = bookmark.metadata;
            format!("bookmark {} {:?} {:?}", metadata.resource_version, metadata.annotations, bookmark.types)
        }
        WatchEvent::Error(status) => format!("error {status:?}"),
    }
}

#[test]
fn a_watch_in_protobuf_shows_what_the_watch_in_json_shows() {
    let pods =
        events::<WatchEvent<SlimPod>>("watch").map(|all| all.into_iter().map(shown).collect::<Vec<_>>());
    let happened = |begin: &str| pods[0].iter().filter(|event| event.starts_with(begin)).count();
    let all = ["added", "bookmark", "modified", "deleted"].map(happened);
    assert!(all.into_iter().all(|count| count > 0), "{all:?}");
    assert_equal("watch", &pods);
    let metadata = events::<WatchEvent<PartialObjectMeta>>("metadata_watch").map(|all| {
        let all = all.into_iter().map(|event| match event {
            WatchEvent::Added(object) => shown(WatchEvent::Added(lean(object.metadata))),
            WatchEvent::Modified(object) => shown(WatchEvent::Modified(lean(object.metadata))),
            WatchEvent::Deleted(object) => shown(WatchEvent::Deleted(lean(object.metadata))),
            WatchEvent::Bookmark(bookmark) => shown::<()>(WatchEvent::Bookmark(bookmark)),
            WatchEvent::Error(status) => shown::<()>(WatchEvent::Error(status)),
        });
        all.collect::<Vec<_>>()
    });
    assert_equal("metadata_watch", &metadata);
    let expired =
        events::<WatchEvent<SlimPod>>("expired").map(|all| all.into_iter().map(shown).collect::<Vec<_>>());
    assert!(expired[0].len() == 1 && expired[0][0].contains("410"));
    assert_equal("expired", &expired);
    let events = events::<WatchEvent<SlimEvent>>("event_watch");
    assert_equal("event_watch", &events.map(|all| all.into_iter().map(shown).collect::<Vec<_>>()));
}

/// Every field that is made stands with the same value in the JSON.
#[test]
fn nothing_is_made_that_the_api_server_did_not_write() {
    for name in ["pod", "list", "none", "event_list", "metadata", "metadata_list", "missing", "invalid"] {
        let [json, made] = both::<Value>(name);
        assert_within(name, &made, &json);
    }
    for name in ["watch", "metadata_watch", "event_watch", "expired"] {
        let [json, made] = events::<Value>(name);
        assert_within(name, &Value::from(made), &Value::from(json));
    }
}

fn assert_within(path: &str, made: &Value, json: &Value) {
    match (made, json) {
        (Value::Object(made), Value::Object(json)) => {
            for (key, value) in made {
                let expect = json.get(key).unwrap_or_else(|| panic!("{path}.{key} is not in the JSON"));
                assert_within(&format!("{path}.{key}"), value, expect);
            }
        }
        (Value::Array(made), Value::Array(json)) => {
            assert_eq!(made.len(), json.len(), "{path}");
            for (index, (made, json)) in made.iter().zip(json).enumerate() {
                assert_within(&format!("{path}[{index}]"), made, json);
            }
        }
        _ => assert_eq!(made, json, "{path}"),
    }
}
