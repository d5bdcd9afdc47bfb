//! Where Pods may land: on nodes of which system and of which architecture.
//!
//! The scheduler reads a Pod's `nodeSelector` and its required node affinity, of which one term must hold, and each
//! expression in that term (`component-helpers/scheduling/corev1/nodeaffinity`). What other labels say of a node is
//! not looked at: nodes come and go, and so do the labels that a platform team gives them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::node::NodeKind;

/// The labels of nodes that name their architecture. Kubelets still write the second one.
pub(super) const ARCHITECTURE: [&str; 2] = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];
/// The labels of nodes that name their operating system.
const SYSTEM: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
/// The system that the runner is for.
const OURS: &str = "linux";

/// The architectures of the nodes that Pods of `spec` may land on: those that the spec names, for a node of such may
/// come yet, else those of the nodes that the Pods fit on. None if neither says anything.
pub(super) fn architectures(spec: &Value, nodes: &BTreeSet<NodeKind>) -> BTreeSet<String> {
    let fitting = nodes.iter().filter(|node| node.is_tolerated_by(spec));
    landing(spec, &ARCHITECTURE, &fitting.map(|node| node.architecture.as_str()).collect())
}

/// What in `spec` sends Pods to another system than Linux.
pub(super) fn other_system(spec: &Value) -> Option<String> {
    if let Some(system) = spec["os"]["name"].as_str().filter(|name| *name != OURS) {
        return Some(format!("spec.template.spec.os.name is {system}"));
    }
    let systems = landing(spec, &SYSTEM, &BTreeSet::from([OURS]));
    if !systems.iter().eq([OURS]) {
        let mut others: Vec<&str> = systems.iter().map(String::as_str).filter(|name| *name != OURS).collect();
        if others.is_empty() {
            others.push("another system");
        }
        return Some(format!(
            "spec.template.spec sends Pods to nodes of {} ({})",
            others.join(", "),
            SYSTEM[0]
        ));
    }
    let containers = ["initContainers", "containers"].into_iter().filter_map(|list| spec[list].as_array());
    let mut levels = containers.flatten().chain([spec]);
    let is_for_windows = |level: &Value| {
        level["securityContext"]["windowsOptions"].as_object().is_some_and(|options| !options.is_empty())
    };
    levels
        .any(is_for_windows)
        .then(|| "a securityContext in spec.template.spec has windowsOptions".to_owned())
}

/// The values of a label that the nodes may have which Pods of `spec` land on, where nodes with these values are
/// `seen`.
fn landing(spec: &Value, label: &[&str; 2], seen: &BTreeSet<&str>) -> BTreeSet<String> {
    let selected = label.iter().filter_map(|key| spec["nodeSelector"][key].as_str());
    let selected: Vec<BTreeSet<&str>> = selected.map(|value| BTreeSet::from([value])).collect();
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let everywhere = [Value::Null];
    let terms = required["nodeSelectorTerms"].as_array().filter(|terms| !terms.is_empty());
    let terms = terms.map_or(&everywhere[..], Vec::as_slice);
    let mut values = BTreeSet::new();
    for term in terms {
        let about = term["matchExpressions"].as_array().into_iter().flatten();
        let about: Vec<&Value> =
            about.filter(|expression| label.iter().any(|key| expression["key"] == **key)).collect();
        let one_of = about.iter().filter(|expression| expression["operator"] == "In");
        let one_of = one_of.map(|expression| operands(expression).collect());
        let mut named = selected.iter().cloned().chain(one_of);
        let first: BTreeSet<&str> = named.next().unwrap_or_else(|| seen.clone());
        let all = named.fold(first, |all, more| &all & &more);
        let allowed =
            all.into_iter().filter(|value| about.iter().all(|expression| allows(expression, value)));
        values.extend(allowed.map(str::to_owned));
    }
    values
}

fn operands(expression: &Value) -> impl Iterator<Item = &str> {
    expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a node with that value of the label is one that the expression asks for.
fn allows(expression: &Value, value: &str) -> bool {
    match expression["operator"].as_str() {
        Some("In") => operands(expression).any(|one| one == value),
        Some("NotIn") => operands(expression).all(|one| one != value),
        Some("DoesNotExist") => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An expression about a label.
    fn that(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"key": key, "operator": operator, "values": values})
    }

    /// The spec of a Pod whose node must fit one of these terms.
    fn required(terms: &[&[Value]]) -> Value {
        let terms: Vec<Value> = terms.iter().map(|term| json!({"matchExpressions": term})).collect();
        let required = json!({"nodeSelectorTerms": terms});
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}})
    }

    fn check_architectures(spec: &Value, seen: &[&str], expect: &[&str]) {
        let node = |name: &&str| NodeKind { architecture: (*name).to_owned(), taints: BTreeSet::new() };
        let found = architectures(spec, &seen.iter().map(node).collect());
        assert!(found.iter().eq(expect), "{spec} among {seen:?}: {found:?} where {expect:?} is right");
    }

    #[test]
    fn a_template_that_names_no_architecture_lands_on_any_that_there_is() {
        check_architectures(&json!({}), &["amd64"], &["amd64"]);
        check_architectures(&json!({}), &["amd64", "arm64"], &["amd64", "arm64"]);
        check_architectures(&json!({}), &[], &[]);
        let zone = that("topology.kubernetes.io/zone", "In", &["a"]);
        check_architectures(&required(&[&[zone]]), &["amd64", "arm64"], &["amd64", "arm64"]);
        check_architectures(&json!({"affinity": null, "nodeSelector": null}), &["arm64"], &["arm64"]);
        let exists = that("kubernetes.io/arch", "Exists", &[]);
        check_architectures(&required(&[&[exists]]), &["amd64", "arm64"], &["amd64", "arm64"]);
    }

    #[test]
    fn a_template_that_names_architectures_lands_there() {
        let pinned = |key: &str, value: &str| json!({"nodeSelector": {key: value}});
        for seen in [&["amd64", "arm64"][..], &["arm64"], &[]] {
            check_architectures(&pinned("kubernetes.io/arch", "amd64"), seen, &["amd64"]);
            check_architectures(&pinned("beta.kubernetes.io/arch", "amd64"), seen, &["amd64"]);
            let either = that("kubernetes.io/arch", "In", &["amd64", "s390x"]);
            check_architectures(&required(&[&[either]]), seen, &["amd64", "s390x"]);
        }
        let not = that("kubernetes.io/arch", "NotIn", &["arm64"]);
        check_architectures(&required(&[&[not]]), &["amd64", "arm64"], &["amd64"]);
    }

    #[test]
    fn every_expression_of_a_term_must_hold_and_any_term_may() {
        let is = |values: &[&str]| that("kubernetes.io/arch", "In", values);
        let not = that("kubernetes.io/arch", "NotIn", &["arm64"]);
        let both = [is(&["amd64", "arm64"]), is(&["arm64", "s390x"])];
        check_architectures(&required(&[&both]), &["amd64"], &["arm64"]);
        check_architectures(&required(&[&[is(&["amd64", "arm64"]), not]]), &["arm64"], &["amd64"]);
        check_architectures(&required(&[&[is(&["amd64"])], &[is(&["arm64"])]]), &[], &["amd64", "arm64"]);
        let zone = that("topology.kubernetes.io/zone", "In", &["a"]);
        check_architectures(&required(&[&[is(&["arm64"])], &[zone]]), &["amd64"], &["amd64", "arm64"]);
        let mut pinned = required(&[&[is(&["amd64", "arm64"])]]);
        pinned["nodeSelector"] = json!({"kubernetes.io/arch": "amd64"});
        check_architectures(&pinned, &["arm64"], &["amd64"]);
    }

    fn check_system(spec: &Value, expect: Option<&str>) {
        let found = other_system(spec);
        assert_eq!(found.is_some(), expect.is_some(), "{spec}: {found:?}");
        assert!(found.is_none_or(|words| words.contains(expect.unwrap_or_default())), "{spec}: {expect:?}");
    }

    #[test]
    fn windows_is_known_by_each_of_the_ways_to_ask_for_it() {
        check_system(&json!({"os": {"name": "windows"}}), Some("os.name is windows"));
        check_system(&json!({"nodeSelector": {"kubernetes.io/os": "windows"}}), Some("nodes of windows"));
        check_system(
            &json!({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}),
            Some("nodes of windows"),
        );
        let is = |operator: &str, values: &[&str]| required(&[&[that("kubernetes.io/os", operator, values)]]);
        check_system(&is("In", &["windows"]), Some("nodes of windows"));
        check_system(&is("In", &["linux", "windows"]), Some("nodes of windows"));
        check_system(&is("NotIn", &["linux"]), Some("another system"));
        let options = json!({"windowsOptions": {"runAsUserName": "ContainerUser"}});
        check_system(&json!({"securityContext": options}), Some("windowsOptions"));
        check_system(&json!({"containers": [{}, {"securityContext": options}]}), Some("windowsOptions"));
        check_system(&json!({"initContainers": [{"securityContext": options}]}), Some("windowsOptions"));
    }

    #[test]
    fn linux_is_what_a_template_is_for_that_says_so_or_nothing() {
        check_system(&json!({"containers": [{"name": "web"}]}), None);
        check_system(&json!({"os": {"name": "linux"}, "nodeSelector": {"kubernetes.io/os": "linux"}}), None);
        check_system(&required(&[&[that("kubernetes.io/os", "NotIn", &["windows"])]]), None);
        check_system(&required(&[&[that("kubernetes.io/os", "In", &["linux"])]]), None);
        check_system(&json!({"securityContext": {"windowsOptions": {}}}), None);
        check_system(&json!({"securityContext": null, "os": null}), None);
    }
}
