//! The nodes of a cluster, as far as it matters to what may run on them.

use std::collections::BTreeSet;

use serde_json::Value;

/// Nodes that are alike in this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeKind {
    /// Their architecture as the kubelet names it, such as `amd64`.
    pub architecture: String,
    /// What keeps Pods from them that do not tolerate it, and not for a while only.
    pub taints: BTreeSet<Taint>,
}

/// A taint that keeps Pods from a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; empty if it has none.
    pub value: String,
    /// `NoSchedule` or `NoExecute`.
    pub effect: String,
}

impl NodeKind {
    /// Whether no taint of these nodes keeps Pods of `spec` from them.
    pub(super) fn is_tolerated_by(&self, spec: &Value) -> bool {
        let tolerations = spec["tolerations"].as_array().map_or(&[][..], Vec::as_slice);
        self.taints.iter().all(|taint| tolerations.iter().any(|toleration| taint.is_tolerated_by(toleration)))
    }
}

impl Taint {
    /// As `ToleratesTaint` in `k8s.io/api/core/v1` has it: what a toleration leaves out it does not ask for.
    fn is_tolerated_by(&self, toleration: &Value) -> bool {
        let text = |field: &str| toleration[field].as_str().unwrap_or_default();
        let is_asked = |field: &str, own: &str| text(field).is_empty() || text(field) == own;
        let is_value = text("operator") == "Exists" || text("value") == self.value;
        is_asked("key", &self.key) && is_asked("effect", &self.effect) && is_value
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(tolerations: &Value, expect: bool) {
        let taint = |key: &str, value: &str| Taint {
            key: key.to_owned(),
            value: value.to_owned(),
            effect: "NoSchedule".to_owned(),
        };
        let taints = BTreeSet::from([taint("kubernetes.io/arch", "arm64")]);
        let node = NodeKind { architecture: "arm64".to_owned(), taints };
        assert_eq!(node.is_tolerated_by(&json!({"tolerations": tolerations})), expect, "{tolerations}");
    }

    #[test]
    fn a_tainted_node_is_one_that_only_pods_land_on_which_tolerate_it() {
        let key = "kubernetes.io/arch";
        check(&Value::Null, false);
        check(&json!([]), false);
        check(&json!([{"operator": "Exists"}]), true);
        check(&json!([{"key": key, "operator": "Exists", "effect": "NoSchedule"}]), true);
        check(&json!([{"key": key, "operator": "Equal", "value": "arm64"}]), true);
        check(&json!([{"key": key, "value": "arm64", "effect": "NoExecute"}]), false);
        check(&json!([{"key": key, "value": "amd64"}]), false);
        check(&json!([{"key": "other", "operator": "Exists"}]), false);
    }
}
