//! The one patch by which a workload goes back to a stored revision: template, hooks and the annotation that
//! asks for it change together, so that a crash leaves either all of it to do or nothing.

use hooked_crd::{HookedWorkload, Measurement};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::PodHooks;
use crate::names;

/// The JSON patch that takes the workload, of which `version` is the newest that is known, back to the revision
/// that `stored`, a ControllerRevision, holds. A merge patch would keep keys that the old template lacks.
pub fn rollback(workload: &HookedWorkload, version: &str, stored: &Value) -> Value {
    let mut patch = unchanged(workload, version);
    patch.push(json!({"op": "add", "path": "/spec/template", "value": stored["data"]["template"]}));
    patch.extend(hooks(workload, &stored["data"]["hooks"]));
    patch.extend(annotations(workload, stored["metadata"]["annotations"][names::CHANGE_CAUSE].as_str()));
    Value::Array(patch)
}

/// The JSON patch after which nobody asks any more that the workload go back.
pub fn ask_no_rollback(workload: &HookedWorkload, version: &str) -> Value {
    let mut patch = unchanged(workload, version);
    patch.extend(without(workload, names::ROLLBACK_ANNOTATION));
    Value::Array(patch)
}

/// The patch is for just this workload, at just this version.
fn unchanged(workload: &HookedWorkload, version: &str) -> Vec<Value> {
    vec![
        json!({"op": "test", "path": "/metadata/uid", "value": workload.metadata.uid}),
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
    ]
}

/// Makes of `spec.hooks` what decides about Pods as it is in `stored`, and leaves all else of it as it is.
fn hooks(workload: &HookedWorkload, stored: &Value) -> Vec<Value> {
    let stored = PodHooks::deserialize(stored).unwrap_or_default();
    let spec = workload.spec.hooks.as_ref();
    let present = PodHooks::of_spec(spec);
    let mut changes: Vec<(&str, Option<Value>)> = Vec::new();
    if stored.measurement != present.measurement {
        let is_default = stored.measurement == Measurement::default();
        changes.push(("measurement", (!is_default).then(|| json!(stored.measurement))));
    }
    if stored.policies != present.policies {
        let is_default = stored.policies.is_empty();
        changes.push(("policies", (!is_default).then(|| json!(stored.policies))));
    }
    if spec.is_none() && !changes.is_empty() {
        let fields: Map<String, Value> =
            changes.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect();
        return vec![json!({"op": "add", "path": "/spec/hooks", "value": fields})];
    }
    let operation = |(field, value): (&str, Option<Value>)| {
        let path = format!("/spec/hooks/{field}");
        match value {
            Some(value) => json!({"op": "add", "path": path, "value": value}),
            // What differs from the default is there.
            None => json!({"op": "remove", "path": path}),
        }
    };
    changes.into_iter().map(operation).collect()
}

/// Gives the workload the change cause of the revision, without which the revision would get that of the one
/// that it replaces; and what asks for the rollback goes.
fn annotations(workload: &HookedWorkload, change_cause: Option<&str>) -> Vec<Value> {
    let mut patch: Vec<Value> = without(workload, names::ROLLBACK_ANNOTATION).into_iter().collect();
    match (change_cause, &workload.metadata.annotations) {
        (Some(cause), Some(_)) => {
            patch.push(json!({"op": "add", "path": path_of(names::CHANGE_CAUSE), "value": cause}));
        }
        (Some(cause), None) => {
            let annotations = json!({names::CHANGE_CAUSE: cause});
            patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": annotations}));
        }
        (None, _) => patch.extend(without(workload, names::CHANGE_CAUSE)),
    }
    patch
}

fn without(workload: &HookedWorkload, annotation: &str) -> Option<Value> {
    let has = workload.metadata.annotations.as_ref().is_some_and(|known| known.contains_key(annotation));
    has.then(|| json!({"op": "remove", "path": path_of(annotation)}))
}

fn path_of(annotation: &str) -> String {
    format!("/metadata/annotations/{}", annotation.replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(annotations: &Value, hooks: &Value) -> HookedWorkload {
        let mut object = json!({
            "apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload",
            "metadata": {"name": "web", "uid": "u-1", "annotations": annotations},
            "spec": {"selector": {}, "template": {"metadata": {"labels": {"new": "yes"}}}, "hooks": hooks},
        });
        for (section, field) in [("metadata", "annotations"), ("spec", "hooks")] {
            if object[section][field].is_null() {
                object[section].as_object_mut().unwrap().remove(field);
            }
        }
        serde_json::from_value(object).unwrap()
    }

    /// What the patch does after its tests and the template.
    fn check(annotations: &Value, hooks: &Value, stored: &Value, expect: &[&str]) {
        let patch = rollback(&workload(annotations, hooks), "7", stored);
        let operations: Vec<String> = patch.as_array().unwrap().iter().map(ToString::to_string).collect();
        let begin = [
            r#"{"op":"test","path":"/metadata/uid","value":"u-1"}"#,
            r#"{"op":"test","path":"/metadata/resourceVersion","value":"7"}"#,
            r#"{"op":"add","path":"/spec/template","value":{"spec":{}}}"#,
        ];
        assert_eq!(operations[..3], begin);
        assert_eq!(operations[3..], *expect);
    }

    #[test]
    fn a_patch_goes_back_to_template_hooks_and_change_cause() {
        let (none, bare) = (Value::Null, json!({"data": {"template": {"spec": {}}}}));
        let asked = json!({"hooked.dev/rollback-to": ""});
        let remove_asked = r#"{"op":"remove","path":"/metadata/annotations/hooked.dev~1rollback-to"}"#;
        check(&none, &none, &bare, &[]);
        check(&asked, &none, &bare, &[remove_asked]);
        let mut caused = bare.clone();
        caused["metadata"] = json!({"annotations": {"kubernetes.io/change-cause": "image 1"}});
        let cause =
            r#"{"op":"add","path":"/metadata/annotations/kubernetes.io~1change-cause","value":"image 1"}"#;
        check(&asked, &none, &caused, &[remove_asked, cause]);
        let first =
            r#"{"op":"add","path":"/metadata/annotations","value":{"kubernetes.io/change-cause":"image 1"}}"#;
        check(&none, &none, &caused, &[first]);
        let remove_cause = r#"{"op":"remove","path":"/metadata/annotations/kubernetes.io~1change-cause"}"#;
        check(&json!({"kubernetes.io/change-cause": "image 2"}), &none, &bare, &[remove_cause]);

        let mut observed = bare.clone();
        observed["data"]["hooks"] = json!({"measurement": "Observe"});
        let whole = r#"{"op":"add","path":"/spec/hooks","value":{"measurement":"Observe"}}"#;
        check(&none, &none, &observed, &[whole]);
        let one = r#"{"op":"add","path":"/spec/hooks/measurement","value":"Observe"}"#;
        check(&none, &json!({"historyLimit": 5}), &observed, &[one]);
        check(&none, &json!({"measurement": "Observe"}), &observed, &[]);
        let policies = json!({"policies": [{"timeoutSeconds": 5}]});
        check(&none, &policies, &bare, &[r#"{"op":"remove","path":"/spec/hooks/policies"}"#]);
        // What means the same stays as it is written.
        check(&none, &json!({"measurement": "Runner", "policies": []}), &bare, &[]);
    }

    #[test]
    fn whoever_cannot_go_back_is_asked_no_more() {
        let workload = workload(&json!({"hooked.dev/rollback-to": "9"}), &Value::Null);
        let patch = ask_no_rollback(&workload, "7");
        let expect = json!([
            {"op": "test", "path": "/metadata/uid", "value": "u-1"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "remove", "path": "/metadata/annotations/hooked.dev~1rollback-to"},
        ]);
        assert_eq!(patch, expect);
    }
}
