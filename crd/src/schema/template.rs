//! The schema of a native `PodTemplateSpec`, as a `CustomResourceDefinition` can hold it.
//!
//! It is built from the API types of `k8s-openapi`, definition by definition, and then written out in full, since a
//! structural schema has no references. Descriptions are left out: with them the definition is larger than the
//! annotation of `kubectl apply` may be (262,144 bytes).

use k8s_openapi::api::core::v1::PodTemplateSpec;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Lists below the template that server-side apply merges by key, as it does in a Deployment: type, field, keys.
///
/// A custom resource's keyed list refuses the same key twice on every write, while a Deployment refuses it only under
/// server-side apply. So a schema cannot both merge a list and take doublets in it. In `env`, `ports` and
/// `imagePullSecrets` a doublet is a mistake that the API server warns of (one hides the other), and several appliers
/// are common: these lists merge. Native types also merge `hostAliases` and `resources.claims`, where doublets mean
/// something (two names of one address, two requests of one claim): these lists are atomic.
const KEYED_LISTS: &[(&str, &str, &[&str])] = &[
    ("PodSpec", "containers", &["name"]),
    ("PodSpec", "initContainers", &["name"]),
    ("PodSpec", "imagePullSecrets", &["name"]),
    ("PodSpec", "volumes", &["name"]),
    ("PodSpec", "resourceClaims", &["name"]),
    ("PodSpec", "schedulingGates", &["name"]),
    ("PodSpec", "topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("Container", "env", &["name"]),
    ("Container", "ports", &["containerPort", "protocol"]),
    ("Container", "volumeMounts", &["mountPath"]),
    ("Container", "volumeDevices", &["devicePath"]),
];

/// Fields that API documentation calls required, though a Deployment without them is accepted: their empty value is
/// valid, and decoding fills it in.
const REQUIRED_IN_NAME_ONLY: &[(&str, &[&str])] = &[
    ("ClusterTrustBundleProjection", &["path"]),
    ("HTTPHeader", &["value"]),
    ("ISCSIVolumeSource", &["lun"]),
    ("LocalObjectReference", &["name"]),
    ("OwnerReference", &["apiVersion", "kind", "name", "uid"]),
    ("PreferredSchedulingTerm", &["preference"]),
    ("ScaleIOVolumeSource", &["secretRef"]),
    ("SleepAction", &["seconds"]),
    ("Sysctl", &["value"]),
];

/// Objects that server-side apply replaces as a whole, as it does in a Deployment.
const ATOMIC_OBJECTS: &[&str] =
    &["LabelSelector", "NodeSelector", "NodeSelectorTerm", "TypedLocalObjectReference"];

/// The name in `#/components/schemas/io.k8s.api.core.v1.PodSpec` that is left when the path is cut off.
fn short(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

/// `spec.template`.
pub(crate) fn pod_template(_: &mut SchemaGenerator) -> Schema {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let root = generator.subschema_for::<PodTemplateSpec>().to_value();
    let mut definitions: Map<String, Value> = generator
        .take_definitions(false)
        .into_iter()
        .map(|(name, definition)| (short(&name).to_owned(), definition))
        .collect();
    for (name, definition) in &mut definitions {
        adapt(name, definition);
    }
    let schema = inlined(&root, &definitions);
    Schema::try_from(schema).unwrap_or_default()
}

/// Changes one native type's schema into what a custom resource needs to accept what a Deployment accepts.
fn adapt(name: &str, definition: &mut Value) {
    match name {
        "Quantity" => *definition = quantity(),
        "IntOrString" => *definition = int_or_string(),
        // A key of a list must be there, or have a default: the one that a Deployment's has. What it adds to a stored
        // template is no part of a revision's hash (`canonical` in core/src/workload/revision/hash.rs).
        "ContainerPort" => definition["properties"]["protocol"]["default"] = json!("TCP"),
        // A Pod may leave the image to whoever changes it at admission; a workload's template may not.
        "Container" => definition["required"] = json!(["name", "image"]),
        "PodTemplateSpec" => definition["required"] = json!(["spec"]),
        "FieldsV1" => definition["x-kubernetes-preserve-unknown-fields"] = json!(true),
        "PodSpec" => adapt_pod_spec(definition),
        // No valid label is longer; without the bound the rules that compare labels are too costly for the API server.
        "ObjectMeta" => definition["properties"]["labels"]["additionalProperties"]["maxLength"] = json!(63),
        _ => {}
    }
    for (_, fields) in REQUIRED_IN_NAME_ONLY.iter().filter(|(owner, _)| *owner == name) {
        if let Some(required) = definition["required"].as_array_mut() {
            required.retain(|field| !field.as_str().is_some_and(|field| fields.contains(&field)));
        }
    }
    if ATOMIC_OBJECTS.contains(&name) {
        definition["x-kubernetes-map-type"] = json!("atomic");
    }
    for (_, field, keys) in KEYED_LISTS.iter().filter(|(owner, _, _)| *owner == name) {
        let list = &mut definition["properties"][field];
        list["x-kubernetes-list-type"] = json!("map");
        list["x-kubernetes-list-map-keys"] = json!(keys);
    }
}

fn adapt_pod_spec(definition: &mut Value) {
    definition["properties"]["nodeSelector"]["x-kubernetes-map-type"] = json!("atomic");
    definition["properties"]["containers"]["minItems"] = json!(1);
    definition["properties"]["imagePullSecrets"]["items"] = json!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {"name": {"type": "string", "default": ""}},
    });
    // A rule forbids any entry; their full schema would be a tenth of the whole definition.
    definition["properties"]["ephemeralContainers"] =
        json!({"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
}

/// A quantity: a string, or a number of any kind.
///
/// `x-kubernetes-int-or-string` refuses `cpu: 0.5` without quotes, which a Deployment accepts, and a structural schema
/// cannot say "a number or a string" in another way. So the type is left open and what is neither is shut out by
/// bounds that apply only to its own kind.
fn quantity() -> Value {
    json!({
        "x-kubernetes-preserve-unknown-fields": true,
        "pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
        "maxProperties": 0,
        "maxItems": 0,
    })
}

/// An integer or a string. The integer has 32 bits, which native decoding enforces.
fn int_or_string() -> Value {
    json!({"x-kubernetes-int-or-string": true, "minimum": i32::MIN, "maximum": i32::MAX})
}

/// A limit of a rolling update. Its rules need a bound on its length.
pub(crate) fn int_or_percent(_: &mut SchemaGenerator) -> Schema {
    let mut schema = int_or_string();
    schema["maxLength"] = json!(16);
    Schema::try_from(schema).unwrap_or_default()
}

/// The schema with every reference replaced by what it refers to, and without descriptions.
///
/// Every object keeps fields that it does not list, so that those of a newer Kubernetes reach the Pod; the API server
/// says which of them it does not know when it is asked about a Pod of the template.
///
/// A null among the elements of a list or a map (`args: [~]`) is kept as written; it becomes the empty value when the
/// Pod is created, as it does in a Deployment.
fn inlined(schema: &Value, definitions: &Map<String, Value>) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    if let Some(target) =
        schema.get("$ref").and_then(Value::as_str).and_then(|name| definitions.get(short(name)))
    {
        return inlined(target, definitions);
    }
    let keyword = |(keyword, value): (&String, &Value)| {
        let value = match (keyword.as_str(), value) {
            ("description", _) => return None,
            ("properties", Value::Object(properties)) => properties
                .iter()
                .map(|(name, property)| (name.clone(), inlined(property, definitions)))
                .collect::<Map<_, _>>()
                .into(),
            ("items" | "additionalProperties", element) => {
                let mut element = inlined(element, definitions);
                if !schema.contains_key("x-kubernetes-list-map-keys") {
                    element["nullable"] = json!(true);
                }
                element
            }
            (_, value) => value.clone(),
        };
        Some((keyword.clone(), value))
    };
    let mut inlined: Map<_, _> = schema.iter().filter_map(keyword).collect();
    if inlined.contains_key("properties") {
        inlined.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
    }
    inlined.into()
}
