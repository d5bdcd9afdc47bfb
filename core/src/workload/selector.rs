//! Which Pods a workload asks for by their labels.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// The labels of a Pod.
pub type Labels = BTreeMap<String, String>;

/// Whether Pods with those labels are selected, as `LabelSelectorAsSelector` in
/// `k8s.io/apimachinery/pkg/apis/meta/v1` has it.
pub fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    let mut wanted = selector.match_labels.iter().flatten();
    wanted.all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().flatten().all(|requirement| meets(requirement, labels))
}

fn meets(requirement: &LabelSelectorRequirement, labels: &Labels) -> bool {
    let value = labels.get(&requirement.key);
    let is_among = || value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
    match requirement.operator.as_str() {
        "In" => is_among(),
        "NotIn" => !is_among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // The schema knows no other.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(selector: &Value, expect: bool) {
        let parsed: LabelSelector = serde_json::from_value(selector.clone()).unwrap();
        let labels =
            [("app", "web"), ("tier", "front")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(selects(&parsed, &labels.into()), expect, "{selector}");
    }

    fn check_expression(key: &str, operator: &str, values: &[&str], expect: bool) {
        check(&json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}), expect);
    }

    #[test]
    fn all_labels_and_all_expressions_must_hold() {
        check(&json!({}), true);
        check(&json!({"matchLabels": {"app": "web", "tier": "front"}}), true);
        check(&json!({"matchLabels": {"app": "web", "tier": "back"}}), false);
        check(&json!({"matchLabels": {"app": "web", "zone": "a"}}), false);
        let absent = json!([{"key": "app", "operator": "DoesNotExist"}]);
        check(&json!({"matchLabels": {"app": "web"}, "matchExpressions": absent}), false);
    }

    #[test]
    fn expressions_are_read_as_the_api_server_reads_them() {
        check_expression("tier", "In", &["back", "front"], true);
        check_expression("tier", "In", &["back"], false);
        check_expression("zone", "In", &["a"], false);
        check_expression("tier", "NotIn", &["front"], false);
        check_expression("zone", "NotIn", &["a"], true);
        check_expression("tier", "Exists", &[], true);
        check_expression("zone", "Exists", &[], false);
        check_expression("zone", "DoesNotExist", &[], true);
        check_expression("tier", "Above", &[], false);
    }
}
