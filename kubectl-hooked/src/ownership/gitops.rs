//! Who would make an object again that is deleted here, or delete what takes its place: Argo CD, Flux and Helm, as they
//! mark what they own.

use serde_json::{Map, Value};

/// Labels and annotations by which they know what is theirs. On an object that is not in Git, or in no release, they
/// would have it deleted.
const MARKS: [&str; 5] = [
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/instance",
    // Argo CD's own mark unless it is set up otherwise.
    "app.kubernetes.io/instance",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
];
const PREFIXES: [&str; 2] = ["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"];
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Whoever owns an object, as it is marked, and what keeps it from deleting the object when that is no longer in Git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keeper {
    pub(crate) name: &'static str,
    /// The annotation and its value.
    pub(crate) keep: (&'static str, &'static str),
}

const ARGO_CD: Keeper = Keeper { name: "Argo CD", keep: ("argocd.argoproj.io/sync-options", "Prune=false") };
const FLUX: Keeper = Keeper { name: "Flux", keep: ("kustomize.toolkit.fluxcd.io/prune", "disabled") };
const HELM: Keeper = Keeper { name: "Helm", keep: ("helm.sh/resource-policy", "keep") };

/// Who owns the object and was not told to let go of it.
pub(crate) fn keeper(object: &Value) -> Option<Keeper> {
    let (labels, annotations) = (&object["metadata"]["labels"], &object["metadata"]["annotations"]);
    let has = |name: &str| labels[name].is_string() || annotations[name].is_string();
    let keeper = if has("argocd.argoproj.io/tracking-id") || has("argocd.argoproj.io/instance") {
        ARGO_CD
    } else if has("kustomize.toolkit.fluxcd.io/name") {
        FLUX
    } else if has("helm.toolkit.fluxcd.io/name") || has("meta.helm.sh/release-name") {
        HELM
    } else {
        return None;
    };
    let (name, value) = keeper.keep;
    let said = annotations[name].as_str().unwrap_or_default();
    (!said.split(',').any(|said| said.trim() == value)).then_some(keeper)
}

/// Labels or annotations without those by which they know what is theirs.
pub(crate) fn unmarked(named: &Value) -> Map<String, Value> {
    let mut named = named.as_object().cloned().unwrap_or_default();
    let is_mark = |name: &str, value: &Value| {
        MARKS.contains(&name)
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || (name == MANAGED_BY && value == "Helm")
    };
    named.retain(|name, value| !is_mark(name, value));
    named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(labels: &Value, annotations: &Value, expect: Option<&str>) {
        let object = json!({"metadata": {"labels": labels, "annotations": annotations}});
        assert_eq!(keeper(&object).map(|keeper| keeper.name), expect, "{object}");
    }

    #[test]
    fn whoever_keeps_an_object_is_known_by_its_marks() {
        check(&json!({"app": "web"}), &Value::Null, None);
        check(
            &Value::Null,
            &json!({"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}),
            Some("Argo CD"),
        );
        check(&json!({"kustomize.toolkit.fluxcd.io/name": "shop"}), &Value::Null, Some("Flux"));
        check(&Value::Null, &json!({"meta.helm.sh/release-name": "shop"}), Some("Helm"));
    }

    #[test]
    fn one_that_is_told_to_let_go_is_in_nobodys_way() {
        let tracked = |options: &str| json!({"argocd.argoproj.io/tracking-id": "shop", "argocd.argoproj.io/sync-options": options});
        check(&Value::Null, &tracked("Prune=false"), None);
        check(&Value::Null, &tracked("Validate=false, Prune=false"), None);
        check(&Value::Null, &tracked("Validate=false"), Some("Argo CD"));
        let flux = json!({"kustomize.toolkit.fluxcd.io/name": "shop"});
        check(&flux, &json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"}), None);
        check(
            &Value::Null,
            &json!({"meta.helm.sh/release-name": "shop", "helm.sh/resource-policy": "keep"}),
            None,
        );
    }

    #[test]
    fn marks_do_not_go_over_to_another_object() {
        let named = json!({"app": "web", "app.kubernetes.io/managed-by": "Helm", "kustomize.toolkit.fluxcd.io/name": "a"});
        assert_eq!(Value::Object(unmarked(&named)), json!({"app": "web"}));
        let by_hand = json!({"app.kubernetes.io/managed-by": "us"});
        assert_eq!(Value::Object(unmarked(&by_hand)), by_hand);
    }
}
