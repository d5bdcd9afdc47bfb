//! What the generated definition promises, held against the definition itself. Whether the API server takes it, and
//! what it then accepts and refuses, is tested against a real one in `e2e`.
#![allow(missing_docs, clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::LazyLock;

use serde_json::{Value, json};

/// `kubectl apply` keeps the whole definition in an annotation, and all annotations of an object together may have
/// 262,144 bytes. We stay far below, to leave room for what Kubernetes adds to Pods.
const MOST_BYTES: usize = 120_000;

static DEFINITION: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(hooked_crd::custom_resource_definition().unwrap()).unwrap());

fn version() -> &'static Value {
    &DEFINITION["spec"]["versions"][0]
}

fn root() -> &'static Value {
    &version()["schema"]["openAPIV3Schema"]
}

/// The schema at a path such as `spec.template.spec.containers[].name`.
fn at(path: &str) -> &'static Value {
    let mut place = root();
    for step in path.split('.') {
        let name = step.trim_end_matches("[]");
        place = &place["properties"][name];
        if name.len() < step.len() {
            place = &place["items"];
        }
        assert!(place.is_object(), "the definition has no {path}: {step} is missing");
    }
    place
}

/// Calls `visit` with the path and the schema of everything below `schema`.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    if schema["items"].is_object() {
        walk(&format!("{path}[]"), &schema["items"], visit);
    }
    if schema["additionalProperties"].is_object() {
        walk(&format!("{path}{{}}"), &schema["additionalProperties"], visit);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, visit);
    }
}

fn nulls(path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec![path.to_owned()],
        Value::Array(values) => values.iter().flat_map(|value| nulls(&format!("{path}[]"), value)).collect(),
        Value::Object(values) => {
            values.iter().flat_map(|(name, value)| nulls(&format!("{path}.{name}"), value)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_definition_is_small_enough_for_kubectl_apply() {
    let bytes = DEFINITION.to_string().len();
    assert!(
        bytes <= MOST_BYTES,
        "the definition has {bytes} bytes of JSON, at most {MOST_BYTES} are allowed"
    );
}

#[test]
fn the_definition_holds_no_null() {
    assert_eq!(nulls("", &DEFINITION), Vec::<String>::new());
}

#[test]
fn the_yaml_says_the_same_as_the_definition() {
    let yaml = hooked_crd::custom_resource_definition_yaml().unwrap();
    let read: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition =
        serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), *DEFINITION);
}

#[test]
fn nothing_below_the_template_has_a_description_and_all_else_has_one() {
    for field in root()["properties"].as_object().unwrap().keys() {
        walk(field, at(field), &mut |path, schema| {
            let described = schema["description"].is_string();
            if path.starts_with("spec.template.") {
                assert!(!described, "{path} has a description");
            } else {
                assert!(
                    described || path.ends_with("[]") || path.ends_with("{}"),
                    "{path} has no description"
                );
            }
        });
    }
}

#[test]
fn every_part_of_the_schema_has_a_type_or_says_why_not() {
    walk("", root(), &mut |path, schema| {
        let open = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"]
            .map(|open| schema[open] == true);
        assert!(schema["type"].is_string() || open.contains(&true), "{path} has no type: {schema}");
        assert!(schema.get("$ref").is_none(), "{path} is a reference");
    });
}

/// Whether the schema at the path is a part of the spec.
fn is_of_spec(path: &str) -> bool {
    path == "spec" || path.starts_with("spec.")
}

#[test]
fn every_optional_field_of_the_spec_may_be_null_and_no_other() {
    let mut seen = 0;
    walk("", root(), &mut |path, schema| {
        let path = path.trim_start_matches('.');
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_optional = is_of_spec(path) && !required.contains(&json!(name));
            // The server puts a default in the place of a null that is not allowed.
            let may_be_null = is_optional && property.get("default").is_none();
            assert_eq!(property["nullable"] == true, may_be_null, "{path}.{name}");
            seen += usize::from(may_be_null);
        }
    });
    assert!(seen > 700, "{seen} fields may be null");
}

#[test]
fn a_field_that_is_newer_than_the_schema_is_kept_below_the_template_and_in_the_status() {
    let mut seen = 0;
    walk("", root(), &mut |path, schema| {
        let path = path.trim_start_matches('.');
        if !schema["properties"].is_object() {
            return;
        }
        let is_open = path.starts_with("spec.template") || path.starts_with("status");
        assert_eq!(schema["x-kubernetes-preserve-unknown-fields"] == true, is_open, "{path}");
        seen += usize::from(is_open);
    });
    assert!(seen > 100, "{seen} objects are open");
}

#[test]
fn an_operator_that_is_newer_than_the_definition_can_write_its_status() {
    walk("status", at("status"), &mut |path, schema| {
        for bound in
            ["enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "maxItems", "default"]
        {
            assert!(schema.get(bound).is_none(), "{path} has the bound {bound}");
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let expect = match path {
            "status.conditions[]" => json!(["lastTransitionTime", "message", "reason", "status", "type"]),
            "status.hooks[]" => json!(["container", "hook"]),
            "status.kills[]" => json!(["reason"]),
            "status.graceUsed[]" => json!(["container"]),
            "status.revisions[]" => json!(["revision"]),
            _ => json!([]),
        };
        assert_eq!(json!(required), expect, "{path}");
    });
    let outcome = at("status.recentRuns[].outcome")["description"].as_str().unwrap();
    assert!(
        outcome.ends_with("One of Running, Succeeded, Failed, TimedOut, Cancelled, Skipped, Unknown."),
        "{outcome}"
    );
}

#[test]
fn a_list_has_the_keys_by_which_a_deployments_merges() {
    let check = |path: &str, keys: &[&str]| {
        let list = at(path);
        assert_eq!(list["x-kubernetes-list-type"], "map", "{path}");
        assert_eq!(list["x-kubernetes-list-map-keys"], json!(keys), "{path}");
        for key in keys {
            let required = list["items"]["required"].as_array().cloned().unwrap_or_default();
            let default = list["items"]["properties"][key].get("default");
            assert!(required.contains(&json!(key)) || default.is_some(), "{path}: {key} may be absent");
        }
    };
    check("spec.template.spec.containers", &["name"]);
    check("spec.template.spec.initContainers", &["name"]);
    check("spec.template.spec.imagePullSecrets", &["name"]);
    check("spec.template.spec.volumes", &["name"]);
    check("spec.template.spec.resourceClaims", &["name"]);
    check("spec.template.spec.schedulingGates", &["name"]);
    check("spec.template.spec.topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]);
    check("spec.template.spec.containers[].env", &["name"]);
    check("spec.template.spec.initContainers[].ports", &["containerPort", "protocol"]);
    check("spec.template.spec.containers[].volumeMounts", &["mountPath"]);
    check("spec.template.spec.initContainers[].volumeDevices", &["devicePath"]);
    check("status.conditions", &["type"]);
    check("status.hooks", &["container", "hook"]);
    check("status.kills", &["reason"]);
}

/// Of these a revision's hash must not depend: `canonical` in core/src/workload/revision/hash.rs.
#[test]
fn the_defaults_of_the_template_are_those_of_its_keys() {
    let mut defaults = Vec::new();
    walk("spec.template", at("spec.template"), &mut |path, schema| {
        if let Some(default) = schema.get("default") {
            defaults.push(format!("{} {default}", path.trim_start_matches("spec.template.spec.")));
        }
    });
    defaults.sort();
    let ports = r#"ports[].protocol "TCP""#;
    let expect = [
        format!("containers[].{ports}"),
        r#"imagePullSecrets[].name """#.into(),
        format!("initContainers[].{ports}"),
    ];
    assert_eq!(defaults, expect);
}

#[test]
fn a_list_in_which_doublets_mean_something_has_no_keys() {
    let check = |path: &str| assert!(at(path).get("x-kubernetes-list-type").is_none(), "{path}");
    check("spec.template.spec.containers[].resources.claims");
    check("spec.template.spec.hostAliases");
}

#[test]
fn what_decoding_fills_in_is_not_required() {
    let check = |path: &str, field: &str| {
        let required = at(path)["required"].as_array().cloned().unwrap_or_default();
        assert!(!required.contains(&json!(field)), "{path} requires {field}");
    };
    check("spec.template.spec.containers[].lifecycle.preStop.sleep", "seconds");
    check("spec.template.spec.containers[].livenessProbe.httpGet.httpHeaders[]", "value");
    check("spec.template.spec.imagePullSecrets[]", "name");
    check("spec.template.spec.securityContext.sysctls[]", "value");
    check("spec.template.spec.volumes[].iscsi", "lun");
    check("spec.template.spec.volumes[].scaleIO", "secretRef");
}

#[test]
fn each_check_of_a_deployment_is_there() {
    let check = |path: &str, message: &str| {
        let rules = at(path)["x-kubernetes-validations"].as_array().cloned().unwrap_or_default();
        let says = |rule: &Value| rule["message"].as_str().unwrap().contains(message);
        assert!(rules.iter().any(says), "{path} has no rule that says {message:?}: {rules:#?}");
    };
    check("spec.replicas", "must be greater than or equal to 0");
    check("spec.minReadySeconds", "must be greater than or equal to 0");
    check("spec.revisionHistoryLimit", "must be greater than or equal to 0");
    check("spec.progressDeadlineSeconds", "must be greater than or equal to 0");
    check("spec", "must be greater than minReadySeconds");
    check("spec", "`selector` does not match template `labels`");
    check("spec.selector", "empty selector is invalid");
    check("spec.selector", "field is immutable");
    check("spec.selector.matchExpressions[]", "must be specified when `operator` is 'In' or 'NotIn'");
    check(
        "spec.selector.matchExpressions[]",
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    );
    check("spec.strategy.type", "supported values: \"RollingUpdate\", \"Recreate\"");
    check("spec.strategy", "may not be specified when strategy `type` is 'Recreate'");
    check("spec.strategy.rollingUpdate", "may not be 0 when `maxSurge` is 0");
    check("spec.strategy.rollingUpdate.maxSurge", "or a percentage");
    check("spec.strategy.rollingUpdate.maxUnavailable", "or a percentage");
    check("spec.strategy.rollingUpdate.maxUnavailable", "must not be greater than 100%");
    check("spec.template.spec.restartPolicy", "supported values: \"Always\"");
    check("spec.template.spec", "activeDeadlineSeconds is not supported");
    check("spec.template.spec", "ephemeral containers not allowed");
}

#[test]
fn each_field_of_our_own_has_bounds() {
    let check = |path: &str, least: f64, most: f64| {
        let schema = at(path);
        assert_eq!(
            (schema["minimum"].as_f64(), schema["maximum"].as_f64()),
            (Some(least), Some(most)),
            "{path}"
        );
    };
    check("spec.hooks.historyLimit", 0.0, 50.0);
    check("spec.hooks.policies[].timeoutSeconds", 1.0, 86_400.0);
    check("spec.hooks.policies[].retries", 0.0, 10.0);
    check("spec.hooks.policies[].retryDelaySeconds", 0.0, 3_600.0);
    check("spec.hooks.policies[].outputBytes", 0.0, 1_024.0);
    assert_eq!(at("spec.hooks.policies")["maxItems"], 64);
}

#[test]
fn nothing_is_offered_that_is_not_in_force() {
    let fields: Vec<_> = at("spec.hooks")["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["evidence", "historyLimit", "measurement", "policies", "rolloutGate"]);
}

#[test]
fn replicas_are_one_if_absent_so_that_scaling_starts_from_there() {
    assert_eq!(at("spec.replicas")["default"], 1);
}

#[test]
fn kubectl_get_shows_the_columns_of_the_api() {
    let columns = version()["additionalPrinterColumns"].as_array().unwrap();
    let names = |wide: bool| -> Vec<&str> {
        let chosen = columns.iter().filter(|column| (column["priority"] == 1) == wide);
        chosen.map(|column| column["name"].as_str().unwrap()).collect()
    };
    let ordinary =
        ["DESIRED", "READY", "UP-TO-DATE", "HOOKS-OK", "HOOKS-FAILED", "KILLS", "LAST-HOOK", "AGE"];
    assert_eq!(names(false), ordinary);
    assert_eq!(names(true), ["AVAILABLE", "RUNNING-HOOKS", "REVISION", "SELECTOR"]);
    for column in columns {
        let path = column["jsonPath"].as_str().unwrap().trim_start_matches('.');
        if path != "metadata.creationTimestamp" {
            assert_eq!(at(path)["type"], column["type"], "{path}");
        }
    }
}
