//! The selector: a `LabelSelector` with the bounds that its rules need.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A label's key: a name, maybe after a DNS subdomain and a slash.
const KEY: &str = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$";

/// `spec.selector`.
///
/// The bounds are far above what is ever written; the API server wants them to know that the rules on the selector
/// are cheap to evaluate.
pub(crate) fn selector(_: &mut SchemaGenerator) -> Schema {
    let value = json_schema!({
        "type": "string",
        "maxLength": 63,
        "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
    });
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "description": "Labels that a Pod must have.",
                "type": "object",
                "maxProperties": 128,
                "additionalProperties": value,
            },
            "matchExpressions": {
                "description": "Further requirements that a Pod's labels must meet.",
                "type": "array",
                "maxItems": 64,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"description": "The label's key.", "type": "string", "maxLength": 317, "pattern": KEY},
                        "operator": {
                            "description": "How the label's value relates to `values`.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "The values, with In and NotIn; absent with Exists and DoesNotExist.",
                            "type": "array",
                            "maxItems": 128,
                            "items": value,
                        },
                    },
                },
            },
        },
    })
}
