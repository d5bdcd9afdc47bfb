//! What decisions read, protobuf brings: a field that `SlimPod` or `SlimEvent` begins to read and that `shape` has not
//! is named here.

use hooked_core::watch::{SlimEvent, SlimPod};
use serde::Deserialize;
use serde_json::Value;

use super::reads::reads;
use super::recorded;
use crate::wire::envelope::to_json;

/// The fields that `T` reads and that neither object has, first of what was recorded as JSON, then of what is made.
fn lacking<T: for<'de> Deserialize<'de>>(name: &str, pointer: &str) -> [Vec<String>; 2] {
    let json = recorded(&format!("{name}.json"));
    let made = to_json(&recorded(&format!("{name}.pb"))).unwrap();
    [json, made].map(|json| {
        let object: Value = serde_json::from_slice(&json).unwrap();
        let object = object.pointer(pointer).unwrap();
        reads::<T>().into_iter().filter(|path| !has(object, path)).collect()
    })
}

/// Whether the field is anywhere in the object.
fn has(object: &Value, path: &str) -> bool {
    let parts = path.split_inclusive("[]");
    let mut found = vec![object];
    for part in parts {
        let (names, is_list) = part.strip_suffix("[]").map_or((part, false), |names| (names, true));
        found = found.into_iter().filter_map(|value| walk(value, names.trim_start_matches('.'))).collect();
        if is_list {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    !found.is_empty()
}

/// Annotations have dots in their names.
fn walk<'a>(value: &'a Value, names: &str) -> Option<&'a Value> {
    if names.is_empty() {
        return Some(value);
    }
    let mut ends = names.match_indices('.').map(|(end, _)| end).chain([names.len()]);
    ends.find_map(|end| {
        let rest = names.get(end + 1..).unwrap_or_default();
        value.get(&names[..end]).and_then(|below| walk(below, rest))
    })
}

#[test]
fn every_field_that_is_read_of_a_pod_is_recorded_and_brought() {
    assert!(reads::<SlimPod>().contains("status.containerStatuses[].lastState.terminated.containerID"));
    assert_eq!(lacking::<SlimPod>("pod", ""), [const { Vec::<String>::new() }; 2]);
}

#[test]
fn every_field_that_is_read_of_an_event_is_recorded_and_brought() {
    assert!(reads::<SlimEvent>().contains("involvedObject.fieldPath"));
    // Events have the metadata of Pods, of which an Event has less.
    let [json, made] = lacking::<SlimEvent>("event_list", "/items/0");
    let is_own = |path: &String| !path.starts_with("metadata.");
    let own = [json, made].map(|paths| paths.into_iter().filter(is_own).collect::<Vec<_>>());
    assert_eq!(own, [const { Vec::<String>::new() }; 2]);
}
