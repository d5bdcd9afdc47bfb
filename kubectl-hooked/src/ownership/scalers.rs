//! What scales a workload, or sizes its Pods, and names it by its kind: it follows where the Pods go.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::objects::{Mode, Objects, StepError, owner_of};

/// Each kind, the field of its spec that names the workload, and what it takes for granted of the kind.
const SCALERS: [(Kind, &str, &str); 3] = [
    (
        Kind { api: "autoscaling/v2", name: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers" },
        "scaleTargetRef",
        "",
    ),
    // KEDA takes a Deployment for granted.
    (
        Kind { api: "keda.sh/v1alpha1", name: "ScaledObject", plural: "scaledobjects" },
        "scaleTargetRef",
        "Deployment",
    ),
    (
        Kind {
            api: "autoscaling.k8s.io/v1",
            name: "VerticalPodAutoscaler",
            plural: "verticalpodautoscalers",
        },
        "targetRef",
        "",
    ),
];

/// Something that names the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scaler {
    kind: Kind,
    name: String,
    field: &'static str,
}

impl std::fmt::Display for Scaler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.name, self.name)
    }
}

/// All that name an object of that kind and name. Kinds that the cluster does not know have none.
pub(crate) async fn scalers(objects: &Objects, of: Kind, name: &str) -> Result<Vec<Scaler>, StepError> {
    let mut found = Vec::new();
    for (kind, field, default) in SCALERS {
        let all = match objects.list(kind, "").await {
            Ok(all) => all,
            Err(StepError::UnknownKind(_)) => continue,
            // Who may not list a kind is refused also where there is none of that name.
            Err(StepError::Forbidden { .. }) if !objects.knows(kind).await? => continue,
            Err(error) => return Err(error),
        };
        let names_it = all.iter().filter(|scaler| is_of(scaler, field, default, of, name));
        let named = names_it.filter_map(|scaler| scaler["metadata"]["name"].as_str());
        found.extend(named.map(|name| Scaler { kind, name: name.to_owned(), field }));
    }
    Ok(found)
}

/// Whether it names that object. What another controls, as KEDA the autoscalers that it makes, follows by itself.
fn is_of(scaler: &Value, field: &str, default: &str, of: Kind, name: &str) -> bool {
    let target = &scaler["spec"][field];
    target["kind"].as_str().unwrap_or(default) == of.name
        && target["name"] == *name
        && owner_of(scaler).is_none()
}

/// Has it name the object of that kind and the same name from now on.
pub(crate) async fn point(objects: &Objects, scaler: &Scaler, to: Kind, mode: Mode) -> Result<(), StepError> {
    let Scaler { kind, name, field } = scaler;
    let change = json!({"spec": {*field: {"apiVersion": to.api, "kind": to.name}}});
    objects.merge(*kind, name, &change, mode).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::DEPLOYMENT;

    fn check(target: &Value, default: &str, expect: bool) {
        let scaler = json!({"spec": {"scaleTargetRef": target}});
        assert_eq!(
            is_of(&scaler, "scaleTargetRef", default, DEPLOYMENT, "web"),
            expect,
            "{target} {default:?}"
        );
    }

    #[test]
    fn what_names_the_deployment_follows_its_pods() {
        check(&json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}), "", true);
        check(&json!({"kind": "Deployment", "name": "api"}), "", false);
        check(&json!({"kind": "StatefulSet", "name": "web"}), "", false);
        check(&json!({"name": "web"}), "Deployment", true);
        check(&json!({"name": "web"}), "", false);
        check(&Value::Null, "Deployment", false);
    }

    #[test]
    fn what_another_has_made_is_left_to_it() {
        let owner = json!([{"kind": "ScaledObject", "name": "web", "controller": true}]);
        let target = json!({"kind": "Deployment", "name": "web"});
        let made = json!({"metadata": {"ownerReferences": owner}, "spec": {"scaleTargetRef": target}});
        assert!(!is_of(&made, "scaleTargetRef", "", DEPLOYMENT, "web"));
    }
}
