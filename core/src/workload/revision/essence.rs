//! What of a template no defaulting touches: where two templates differ in it, no API server need be asked whether they
//! mean the same Pods.

use serde_json::{Value, json};

use super::hash::digest;

/// The fields of a container that are what they are.
const PLAIN: [&str; 5] = ["name", "image", "command", "args", "env"];

/// A fingerprint of what in a revision's data no defaulting touches. Two revisions that mean the same Pods have the
/// same one; two that have the same one may still differ.
pub(super) fn essence(data: &Value) -> u64 {
    let template = &data["template"];
    let (metadata, spec) = (&template["metadata"], &template["spec"]);
    let containers =
        |list: &str| spec[list].as_array().into_iter().flatten().map(container).collect::<Vec<_>>();
    let plain = json!([
        said(&metadata["labels"]),
        said(&metadata["annotations"]),
        said(&data["hooks"]),
        spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(30),
        containers("initContainers"),
        containers("containers"),
    ]);
    digest(&plain)
}

fn container(container: &Value) -> Value {
    let plain: Vec<Value> = PLAIN.iter().map(|field| said(&container[*field])).collect();
    let lifecycle = &container["lifecycle"];
    let handlers = ["postStart", "preStop"].map(|hook| {
        let kinds = lifecycle[hook].as_object().into_iter().flatten();
        let kinds = kinds.filter(|(_, handler)| !handler.is_null()).map(|(kind, _)| kind.clone());
        json!([kinds.collect::<Vec<_>>(), said(&lifecycle[hook]["exec"]["command"])])
    });
    let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
    json!([plain, handlers, probes.map(|probe| container[probe].is_object())])
}

/// The value without what the API server takes for absent: null, and what is empty.
fn said(value: &Value) -> Value {
    let is_said = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), said(value)));
            let fields: serde_json::Map<_, _> = fields.filter(|(_, value)| is_said(value)).collect();
            if fields.is_empty() { Value::Null } else { Value::Object(fields) }
        }
        // Empty words of a command are words.
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(said).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> Value {
        json!({"template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "web", "image": "nginx:1", "env": [{"name": "A", "value": "1"}],
                "resources": {"limits": {"cpu": "500m"}},
                "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", ""]}}},
            }]},
        }})
    }

    /// Whether a change of the first container, or of the whole data, is one that an API server need be asked about.
    fn check(change: impl FnOnce(&mut Value), expect_same: bool) {
        let mut changed = data();
        change(&mut changed);
        assert_eq!(essence(&changed) == essence(&data()), expect_same, "{changed}");
    }

    fn web(data: &mut Value) -> &mut Value {
        &mut data["template"]["spec"]["containers"][0]
    }

    #[test]
    fn what_defaulting_may_make_equal_has_the_same_essence() {
        check(|data| web(data)["resources"]["limits"]["cpu"] = json!(0.5), true);
        check(|data| web(data)["securityContext"] = json!({}), true);
        check(|data| web(data)["args"] = json!([]), true);
        check(|data| web(data)["livenessProbe"] = Value::Null, true);
        check(|data| web(data)["lifecycle"]["postStart"] = Value::Null, true);
        check(|data| web(data)["imagePullPolicy"] = json!("IfNotPresent"), true);
        check(|data| data["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst"), true);
        check(|data| data["template"]["spec"]["terminationGracePeriodSeconds"] = json!(30), true);
        check(|data| data["template"]["spec"]["initContainers"] = json!([]), true);
        check(|data| data["template"]["metadata"]["annotations"] = json!({}), true);
        check(|data| data["template"]["metadata"]["creationTimestamp"] = Value::Null, true);
    }

    #[test]
    fn what_no_defaulting_can_make_equal_has_another_essence() {
        check(|data| web(data)["image"] = json!("nginx:2"), false);
        check(|data| web(data)["env"][0]["value"] = json!("2"), false);
        check(|data| web(data)["command"] = json!(["sh"]), false);
        check(|data| web(data)["lifecycle"] = Value::Null, false);
        check(|data| web(data)["lifecycle"]["preStop"]["exec"]["command"][2] = json!("true"), false);
        check(|data| web(data)["readinessProbe"] = json!({"tcpSocket": {"port": 80}}), false);
        check(|data| data["template"]["metadata"]["annotations"] = json!({"restarted": "now"}), false);
        check(|data| data["template"]["spec"]["terminationGracePeriodSeconds"] = json!(5), false);
        check(|data| data["hooks"] = json!({"measurement": "Observe"}), false);
    }
}
