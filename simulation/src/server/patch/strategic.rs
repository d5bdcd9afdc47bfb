//! Strategic merge patch: a merge patch that knows which lists are merged, and by which key.

use serde_json::{Map, Value};

use crate::server::failure::Failure;

const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";
const RETAIN: &str = "$retainKeys";
const DIRECTIVE: &str = "$patch";

/// How two versions of a list become one.
enum Merge {
    /// The patch's list replaces the other one.
    Atomic,
    /// The items are values; those that are not there yet are added.
    Values,
    /// The items are objects that this field tells apart.
    By(&'static str),
}

/// How the API types declare a list: by its name, and by whether it is a container's.
fn merge_of(list: &str, in_container: bool) -> Merge {
    match list {
        "finalizers" => Merge::Values,
        "ownerReferences" => Merge::By("uid"),
        "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "imagePullSecrets" | "env" => {
            Merge::By("name")
        }
        "volumeMounts" => Merge::By("mountPath"),
        "volumeDevices" => Merge::By("devicePath"),
        "ports" if in_container => Merge::By("containerPort"),
        "ports" => Merge::By("port"),
        "conditions" | "addresses" => Merge::By("type"),
        "podIPs" | "hostIPs" | "hostAliases" => Merge::By("ip"),
        "topologySpreadConstraints" => Merge::By("topologyKey"),
        // Among them containerStatuses.
        _ => Merge::Atomic,
    }
}

/// Changes an object as `patch` says.
pub(super) fn apply(object: &mut Value, patch: &Value) -> Result<(), Failure> {
    match (object, patch) {
        (Value::Object(fields), Value::Object(patch)) => merge_fields(fields, patch, false),
        _ => Err(Failure::bad_request("a strategic merge patch is an object")),
    }
}

fn merge_fields(
    fields: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    in_container: bool,
) -> Result<(), Failure> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        None | Some("merge") => {}
        Some("replace") => {
            fields.clear();
            fields.extend(
                patch.iter().filter(|(field, _)| *field != DIRECTIVE).map(|(f, v)| (f.clone(), v.clone())),
            );
            return Ok(());
        }
        Some("delete") => {
            fields.clear();
            return Ok(());
        }
        Some(other) => return Err(Failure::bad_request(format!("Unknown patch type found: {other}"))),
    }
    if let Some(kept) = patch.get(RETAIN).and_then(Value::as_array) {
        fields.retain(|field, _| kept.iter().any(|one| one == field));
    }
    for (field, change) in patch {
        if let Some(list) = field.strip_prefix(DELETE_PRIMITIVES) {
            delete_values(fields, list, change);
        } else if field.starts_with(ORDER) || field == DIRECTIVE || field == RETAIN {
            // The order of the elements is kept as it is.
        } else if change.is_null() {
            fields.remove(field);
        } else {
            merge_field(fields, field, change, in_container)?;
        }
    }
    Ok(())
}

fn delete_values(fields: &mut Map<String, Value>, list: &str, gone: &Value) {
    let Some(Value::Array(items)) = fields.get_mut(list) else { return };
    items.retain(|item| !gone.as_array().is_some_and(|gone| gone.contains(item)));
}

fn merge_field(
    fields: &mut Map<String, Value>,
    field: &str,
    change: &Value,
    in_container: bool,
) -> Result<(), Failure> {
    match change {
        Value::Object(patch) => {
            let place = fields.entry(field).or_insert_with(|| Value::Object(Map::new()));
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Value::Object(place) = place {
                merge_fields(place, patch, in_container)?;
            }
        }
        Value::Array(patch) => {
            let place = fields.entry(field).or_insert_with(|| Value::Array(Vec::new()));
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            if let Value::Array(place) = place {
                merge_list(place, patch, field, in_container)?;
            }
        }
        value => drop(fields.insert(field.to_owned(), value.clone())),
    }
    Ok(())
}

fn merge_list(
    items: &mut Vec<Value>,
    patch: &[Value],
    list: &str,
    in_container: bool,
) -> Result<(), Failure> {
    match merge_of(list, in_container) {
        Merge::Atomic => *items = patch.to_vec(),
        Merge::Values => {
            for value in patch {
                if !items.contains(value) {
                    items.push(value.clone());
                }
            }
        }
        Merge::By(key) => {
            if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
                *items = patch.iter().filter(|item| item[DIRECTIVE] != "replace").cloned().collect();
                return Ok(());
            }
            for item in patch {
                merge_item(items, item, key, list.ends_with("ontainers"))?;
            }
        }
    }
    Ok(())
}

fn merge_item(items: &mut Vec<Value>, item: &Value, key: &str, is_container: bool) -> Result<(), Failure> {
    let Value::Object(patch) = item else {
        return Err(Failure::bad_request(format!("expected a map with the merge key {key}")));
    };
    let Some(identity) = patch.get(key) else {
        return Err(Failure::bad_request(format!("map: {item} does not contain declared merge key: {key}")));
    };
    let place = items.iter().position(|one| one[key] == *identity);
    if item[DIRECTIVE] == "delete" {
        items.retain(|one| one[key] != *identity);
        return Ok(());
    }
    let index = place.unwrap_or_else(|| {
        items.push(Value::Object(Map::new()));
        items.len() - 1
    });
    match &mut items[index] {
        Value::Object(fields) => merge_fields(fields, patch, is_container),
        other => {
            other.clone_from(item);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(object: &Value, patch: &Value, expect: &Value) {
        let mut patched = object.clone();
        apply(&mut patched, patch).unwrap();
        assert_eq!(patched, *expect, "{object} with {patch}");
    }

    #[test]
    fn finalizers_are_merged_and_deleted_by_value() {
        let object = json!({"metadata": {"finalizers": ["a", "b"]}});
        check(
            &object,
            &json!({"metadata": {"finalizers": ["b", "c"]}}),
            &json!({"metadata": {"finalizers": ["a", "b", "c"]}}),
        );
        check(
            &object,
            &json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "x"]}}),
            &json!({"metadata": {"finalizers": ["b"]}}),
        );
    }

    #[test]
    fn owner_references_are_merged_and_deleted_by_uid() {
        let object =
            json!({"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]}});
        check(
            &object,
            &json!({"metadata": {"ownerReferences": [{"uid": "1", "$patch": "delete"}, {"uid": "2", "controller": true}, {"uid": "3"}]}}),
            &json!({"metadata": {"ownerReferences": [{"uid": "2", "name": "b", "controller": true}, {"uid": "3"}]}}),
        );
    }

    #[test]
    fn labels_go_by_null_and_containers_are_merged_by_name() {
        check(
            &json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
            &json!({"metadata": {"labels": {"a": null, "c": "3"}}}),
            &json!({"metadata": {"labels": {"b": "2", "c": "3"}}}),
        );
        check(
            &json!({"spec": {"containers": [{"name": "x", "image": "1", "ports": [{"containerPort": 1}]}]}}),
            &json!({"spec": {"containers": [{"name": "x", "image": "2", "ports": [{"containerPort": 2}]}]}}),
            &json!({"spec": {"containers": [{"name": "x", "image": "2", "ports": [{"containerPort": 1}, {"containerPort": 2}]}]}}),
        );
    }

    #[test]
    fn conditions_are_merged_by_type_and_container_statuses_replaced() {
        check(
            &json!({"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Other"}]}}),
            &json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            &json!({"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other"}]}}),
        );
        check(
            &json!({"status": {"containerStatuses": [{"name": "a", "ready": true}]}}),
            &json!({"status": {"containerStatuses": [{"name": "b"}]}}),
            &json!({"status": {"containerStatuses": [{"name": "b"}]}}),
        );
    }

    #[test]
    fn a_map_or_a_list_is_replaced_where_the_patch_asks_for_it() {
        check(&json!({"a": {"b": 1}}), &json!({"a": {"$patch": "replace", "c": 2}}), &json!({"a": {"c": 2}}));
        check(
            &json!({"volumes": [{"name": "a"}]}),
            &json!({"volumes": [{"$patch": "replace"}, {"name": "b"}]}),
            &json!({"volumes": [{"name": "b"}]}),
        );
        check(
            &json!({"a": {"b": 1, "c": 2}}),
            &json!({"a": {"$retainKeys": ["c"]}}),
            &json!({"a": {"c": 2}}),
        );
    }
}
