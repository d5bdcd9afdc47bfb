//! By which keys lists merge in a strategic merge patch: `openapi` of a kustomization.
//!
//! A schema that a kustomization names replaces the one that is built in (`initSchema` in sigs.k8s.io/kustomize/kyaml),
//! and a patch of a Deployment beside a HookedWorkload would then lose containers. So the kinds of Kubernetes whose
//! lists merge are in it too, and since the template of a HookedWorkload is a Deployment's, it says all about them.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::kinds::{definitions, of_kind, put, reference, retained};

/// The definition of an object's metadata.
pub(super) const METADATA: &str = "io.k8s.ObjectMeta";
/// The definition of a Pod's spec.
pub(super) const POD_SPEC: &str = "io.k8s.PodSpec";
/// The definition of a Pod template.
pub(super) const POD_TEMPLATE: &str = "io.k8s.PodTemplateSpec";

/// Lists that merge in a patch though they are atomic in the definition.
const ATOMIC: &[(&str, &[&str])] = &[("hostAliases", &["ip"])];
/// Lists of which an element loses the fields that a patch does not name when it names one of another kind.
const RETAINED: &[&str] = &["volumes", "resourceClaims"];

/// The schema file.
pub(in super::super) fn schema() -> Result<String> {
    let workload = super::definition()?;
    let template = &workload["properties"]["spec"]["properties"]["template"];
    let mut pod_spec = keyed(&template["properties"]["spec"]).unwrap_or_else(|| json!({"type": "object"}));
    for (list, keys) in ATOMIC {
        pod_spec["properties"][list] = merged(&json!({"type": "object"}), keys);
    }
    for list in RETAINED {
        pod_spec["properties"][list]["x-kubernetes-patch-strategy"] = json!("merge,retainKeys");
    }
    let mut hooked = of_kind("hooked.dev", "v1alpha1", "HookedWorkload");
    put(&mut hooked, "spec/template", reference(POD_TEMPLATE));
    put(&mut hooked, "spec/strategy", retained());
    let own = [
        (METADATA, metadata()),
        (POD_SPEC, pod_spec),
        (
            POD_TEMPLATE,
            json!({"type": "object", "properties": {"metadata": reference(METADATA), "spec": reference(POD_SPEC)}}),
        ),
        ("dev.hooked.v1alpha1.HookedWorkload", hooked),
    ];
    let own = own.into_iter().map(|(name, definition)| (name.to_owned(), definition));
    let all: Map<String, Value> = own.chain(definitions()).collect();
    Ok(format!("{:#}\n", json!({"definitions": all})))
}

fn metadata() -> Value {
    let finalizers =
        json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"});
    let owners = merged(&json!({"type": "object"}), &["uid"]);
    json!({"type": "object", "properties": {"finalizers": finalizers, "ownerReferences": owners}})
}

/// A list whose elements merge by these keys.
pub(super) fn merged(items: &Value, keys: &[&str]) -> Value {
    json!({
        "type": "array",
        "items": items,
        "x-kubernetes-list-map-keys": keys,
        "x-kubernetes-patch-merge-key": keys[0],
        "x-kubernetes-patch-strategy": "merge",
    })
}

/// Of a part of the definition all that leads to lists with keys; none if nothing does.
fn keyed(schema: &Value) -> Option<Value> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let below: Map<String, Value> =
        properties.filter_map(|(name, property)| Some((name.clone(), keyed(property)?))).collect();
    let object = (!below.is_empty()).then(|| json!({"type": "object", "properties": below}));
    let Some(items) = schema.get("items") else { return object };
    let items = keyed(items);
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    let keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
    if keys.is_empty() {
        return items.map(|items| json!({"type": "array", "items": items}));
    }
    Some(merged(&items.unwrap_or_else(|| json!({"type": "object"})), &keys))
}
