//! Policies of the network that may cut Pods off from the operator.

use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::finding::{Check, Finding, some_of};
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// The policies of both ends of the way.
#[derive(Debug)]
pub(super) struct Policies {
    /// Of the Pods.
    of_pods: Vec<NetworkPolicy>,
    /// Of the operator.
    of_operator: Vec<NetworkPolicy>,
}

/// Reads the policies of both namespaces.
pub(super) async fn fetch(connection: &Connection, operator: &str) -> Result<Policies, RequestError> {
    let list = async |namespace: &str| {
        let request = Request { verb: "list", asked: Asked::NetworkPolicy, name: "", namespace };
        let policies: Api<NetworkPolicy> = Api::namespaced(connection.client.clone(), namespace);
        let listed = policies.list(&ListParams::default()).await;
        listed.map(|list| list.items).map_err(|error| request.failed(&error))
    };
    Ok(Policies { of_pods: list(&connection.namespace).await?, of_operator: list(operator).await? })
}

/// What is found of them. What a policy lets through is not worked out here: a Pod shows it.
pub(super) fn finding(fetched: &Result<Policies, RequestError>, namespace: &str, operator: &str) -> Finding {
    let check = Check::NetworkPolicies;
    let Policies { of_pods, of_operator } = match fetched {
        Ok(policies) => policies,
        Err(error) => return Finding::unanswered(check, error),
    };
    let outwards: Vec<_> =
        of_pods.iter().filter(|policy| limits(policy, "Egress")).map(ResourceExt::name_any).collect();
    let inwards: Vec<_> =
        of_operator.iter().filter(|policy| limits(policy, "Ingress")).map(ResourceExt::name_any).collect();
    if outwards.is_empty() && inwards.is_empty() {
        return Finding::ok(check, "none limits the way from Pods to the operator");
    }
    let told = |kind: &str, place: &str, names: &[String]| {
        (!names.is_empty())
            .then(|| format!("what goes {kind} namespace {place} is limited by {}", some_of(names)))
    };
    let parts = [told("out of", namespace, &outwards), told("into", operator, &inwards)];
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let action =
        format!("let Pods reach TCP port 8443 of the Pods in namespace {operator}; --with-pod tries the way");
    Finding::warning(check, message, action)
}

/// Whether a policy limits traffic of that direction. One that names none is of `Ingress`, and of `Egress` where it has
/// such rules.
fn limits(policy: &NetworkPolicy, direction: &str) -> bool {
    let Some(spec) = &policy.spec else { return false };
    let named = spec.policy_types.as_deref().unwrap_or_default();
    named.iter().any(|name| name == direction)
        || (named.is_empty() && (direction == "Ingress" || spec.egress.is_some()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::finding::Verdict;

    fn policies(specs: &[Value]) -> Vec<NetworkPolicy> {
        let of = |spec: &Value| json!({"metadata": {"name": "deny"}, "spec": spec});
        specs.iter().map(|spec| serde_json::from_value(of(spec)).unwrap()).collect()
    }

    fn check(of_pods: &[Value], of_operator: &[Value], verdict: Verdict, words: &str) {
        let fetched = Ok(Policies { of_pods: policies(of_pods), of_operator: policies(of_operator) });
        let found = finding(&fetched, "shop", "hooked-system");
        assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
    }

    #[test]
    fn a_policy_on_the_way_to_the_operator_is_told() {
        let of = |types: &[&str]| json!({"podSelector": {}, "policyTypes": types});
        check(&[], &[], Verdict::Ok, "none");
        check(&[of(&["Ingress"])], &[of(&["Egress"])], Verdict::Ok, "none");
        check(&[of(&["Egress"])], &[], Verdict::Warning, "out of namespace shop is limited by deny");
        check(
            &[],
            &[of(&["Ingress", "Egress"])],
            Verdict::Warning,
            "into namespace hooked-system is limited by deny",
        );
        check(&[json!({"podSelector": {}, "egress": []})], &[], Verdict::Warning, "out of");
        check(&[json!({"podSelector": {}})], &[json!({"podSelector": {}})], Verdict::Warning, "into");
    }
}
