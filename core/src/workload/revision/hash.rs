//! The name of a template's content: a short hash that two equal templates share.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::short_hash::encode;

/// Characters of a revision: 27^10 hashes make a collision a curiosity, and `collisionCount` survives one.
const REVISION_LENGTH: usize = 10;

/// The revision of `template` and of what else decides about its Pods: how their hooks are run (null by default). A
/// change in `collision_count` gives another one.
///
/// Null fields and empty differences in key order do not count: they mean the same Pod.
pub(super) fn of_template(template: &Value, hooks: &Value, collision_count: i32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(canonical(template).to_string());
    if !hooks.is_null() {
        hasher.update(canonical(hooks).to_string());
    }
    hasher.update(collision_count.to_be_bytes());
    encode(&hasher.finalize(), REVISION_LENGTH)
}

/// The same value without what says nothing: null fields, and the defaults that the definition adds because
/// server-side apply merges by these fields (`KEYED_LISTS` in crd/src/schema/template.rs). Without them a Pod is the
/// same, and a definition that begins to add them must not make another revision of a template. Keys are in order
/// already: `serde_json` maps are sorted.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let said = fields.iter().filter(|(name, value)| !value.is_null() && !is_default(fields, name));
            Value::Object(said.map(|(name, value)| (name.clone(), canonical(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// Whether a field is the protocol of a port without one, or the name of a reference without one.
fn is_default(fields: &Map<String, Value>, name: &str) -> bool {
    let value = &fields[name];
    match name {
        "protocol" => value == "TCP" && fields.contains_key("containerPort"),
        "name" => value == "" && fields.len() == 1,
        _ => false,
    }
}

/// The first bytes of a value's hash.
pub(super) fn digest(value: &Value) -> u64 {
    let digest = Sha256::digest(value.to_string());
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_fields_do_not_make_another_revision() {
        let bare = json!({"spec": {"containers": [{"name": "web"}]}});
        let nulls = json!({"spec": {"containers": [{"name": "web", "command": null}]}, "metadata": null});
        assert_eq!(of_template(&bare, &Value::Null, 0), of_template(&nulls, &Value::Null, 0));
    }

    #[test]
    fn a_default_that_the_definition_adds_does_not_make_another_revision() {
        let check = |bare: &Value, defaulted: &Value| {
            assert_ne!(bare, defaulted);
            assert_eq!(of_template(bare, &Value::Null, 0), of_template(defaulted, &Value::Null, 0), "{bare}");
        };
        let port = |port: Value| json!({"spec": {"containers": [{"name": "web", "ports": [port]}]}});
        check(&port(json!({"containerPort": 80})), &port(json!({"containerPort": 80, "protocol": "TCP"})));
        let secret = |secret: Value| json!({"spec": {"containers": [], "imagePullSecrets": [secret]}});
        check(&secret(json!({})), &secret(json!({"name": ""})));
        let (udp, tcp) = (json!({"containerPort": 80, "protocol": "UDP"}), json!({"containerPort": 80}));
        assert_ne!(of_template(&port(udp), &Value::Null, 0), of_template(&port(tcp), &Value::Null, 0));
    }

    #[test]
    fn another_template_or_a_collision_makes_another_revision() {
        let one = json!({"spec": {"containers": [{"name": "web", "image": "a"}]}});
        let two = json!({"spec": {"containers": [{"name": "web", "image": "b"}]}});
        assert_ne!(of_template(&one, &Value::Null, 0), of_template(&two, &Value::Null, 0));
        assert_ne!(of_template(&one, &Value::Null, 0), of_template(&one, &Value::Null, 1));
        assert_eq!(of_template(&one, &Value::Null, 0).len(), REVISION_LENGTH);
    }

    /// A release that hashed differently would roll out every workload of every cluster.
    #[test]
    fn the_hash_never_changes_between_releases() {
        assert_eq!(
            of_template(&json!({"spec": {"containers": [{"name": "web"}]}}), &Value::Null, 0),
            "r4mhtgddhz"
        );
    }
}
