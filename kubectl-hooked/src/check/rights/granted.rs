//! What the installation grants the operator: read from the manifests themselves, so that it is never another list.

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::Value;

use super::right::Right;

/// What it may do wherever it works.
const WORKING: &str = include_str!("../../../../config/rbac/role.yaml");
/// What it may do in each namespace, if it works in some alone: all of that but what no Role can give.
const WORKING_IN_SOME: &str = include_str!("../../../../config/components/namespaced/role.yaml");
/// What it may do where it is.
const AT_HOME: [&str; 2] = [
    include_str!("../../../../config/rbac/leader_election_role.yaml"),
    include_str!("../../../../config/rbac/live_role.yaml"),
];
/// What it may do with Pods where it is and does not work: it knows its own, and labels that of the one that leads.
const ITS_PODS: [&str; 3] = ["get", "list", "patch"];
/// Resources that are in no namespace.
const OF_NO_NAMESPACE: [&str; 1] = ["nodes"];

/// The rights of an operator that is in the one namespace and works in the others, in all if these are none. One that
/// works in some has a Role in each, and another for its own Pod where it is in none of them; whether it may list nodes
/// all the same says how the runner comes into Pods.
pub(in crate::check) fn of_operator(operator: &str, namespaces: &[String]) -> Vec<Right> {
    let everywhere = [String::new()];
    let (manifest, places) =
        if namespaces.is_empty() { (WORKING, &everywhere[..]) } else { (WORKING_IN_SOME, namespaces) };
    let mut rights: Vec<Right> = Vec::new();
    for rule in rules(manifest) {
        rights.extend(places.iter().flat_map(|place| of_rule(&rule, place)));
    }
    rights.extend(AT_HOME.into_iter().flat_map(rules).flat_map(|rule| of_rule(&rule, operator)));
    if !namespaces.is_empty() {
        rights.push(Right::to_nodes());
        if !namespaces.iter().any(|known| known == operator) {
            rights.extend(ITS_PODS.map(|verb| Right::of("", "pods", verb).within(operator)));
        }
    }
    rights
}

fn of_rule(rule: &PolicyRule, place: &str) -> Vec<Right> {
    let none = Vec::new();
    let mut rights = Vec::new();
    for verb in &rule.verbs {
        let paths = rule.non_resource_urls.as_ref().unwrap_or(&none);
        rights.extend(paths.iter().map(|path| Right::of_path(path, verb)));
        for group in rule.api_groups.as_ref().unwrap_or(&none) {
            for resource in rule.resources.as_ref().unwrap_or(&none) {
                let place = if OF_NO_NAMESPACE.contains(&&**resource) { "" } else { place };
                let right = Right::of(group, resource, verb).within(place);
                match rule.resource_names.as_deref().unwrap_or_default() {
                    [] => rights.push(right),
                    names => rights.extend(names.iter().map(|name| right.clone().named(name))),
                }
            }
        }
    }
    rights
}

/// The rules of the roles in a manifest.
fn rules(manifest: &str) -> Vec<PolicyRule> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap_or_default();
    let rules = documents.into_iter().filter_map(|mut document| document.get_mut("rules").map(Value::take));
    rules.filter_map(|rules| serde_json::from_value::<Vec<PolicyRule>>(rules).ok()).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(namespaces: &[&str]) -> Vec<String> {
        let namespaces: Vec<_> = namespaces.iter().map(ToString::to_string).collect();
        of_operator("hooked-system", &namespaces).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_manifests_are_read_whole() {
        let all = words(&[]);
        for right in [
            "get hookedworkloads.hooked.dev",
            "update hookedworkloads/status.hooked.dev",
            "create pods",
            "list nodes",
            "get /openid/v1/jwks",
            "update leases.coordination.k8s.io hooked-controller in namespace hooked-system",
            "create leases.coordination.k8s.io in namespace hooked-system",
            "get secrets hooked-controller-live in namespace hooked-system",
        ] {
            assert!(all.iter().any(|known| known == right), "{right} is missing in {all:?}");
        }
    }

    #[test]
    fn an_operator_of_some_namespaces_needs_its_rights_there_alone() {
        let some = words(&["shop", "test"]);
        for right in [
            "create pods in namespace shop",
            "create pods in namespace test",
            "patch pods in namespace hooked-system",
        ] {
            assert_eq!(some.iter().filter(|known| *known == right).count(), 1, "{right} in {some:?}");
        }
        // What no Role can give is not asked for.
        for right in ["create pods", "get /openid/v1/jwks", "create pods in namespace hooked-system"] {
            assert!(!some.contains(&right.to_owned()), "{right} in {some:?}");
        }
        let own = words(&["hooked-system"]);
        let patches = own.iter().filter(|known| *known == "patch pods in namespace hooked-system");
        assert_eq!(patches.count(), 1, "{own:?}");
    }
}
