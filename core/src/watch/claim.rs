//! Which Pods a workload asks for, and whether another asks for them too.

use hooked_crd::HookedWorkloadSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

use crate::workload::selector::{Labels, selects};

/// Which Pods a workload asks for: those that its selector matches, and those that it makes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    pub(super) selector: LabelSelector,
    /// The labels of the Pods that it makes.
    labels: Labels,
}

impl Claim {
    pub(super) fn of(spec: &HookedWorkloadSpec) -> Self {
        let labels = Labels::deserialize(&spec.template.0["metadata"]["labels"]).unwrap_or_default();
        Self { selector: spec.selector.clone(), labels }
    }

    /// Whether the Pods of one are asked for by the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        selects(&self.selector, &other.labels) || selects(&other.selector, &self.labels)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claim(selector: &Value, labels: &Value) -> Claim {
        let template = json!({"metadata": {"labels": labels}, "spec": {"containers": []}});
        let spec = json!({"selector": {"matchLabels": selector}, "template": template});
        Claim::of(&serde_json::from_value(spec).unwrap())
    }

    fn check(one: (&Value, &Value), other: (&Value, &Value), expect: bool) {
        let (a, b) = (claim(one.0, one.1), claim(other.0, other.1));
        assert_eq!((a.overlaps(&b), b.overlaps(&a)), (expect, expect), "{one:?} {other:?}");
    }

    #[test]
    fn selectors_overlap_where_one_matches_the_pods_of_the_other() {
        let (web, api) = (json!({"app": "web"}), json!({"app": "api"}));
        check((&web, &web), (&web, &web), true);
        check((&web, &web), (&api, &api), false);
        let canary = json!({"app": "web", "track": "canary"});
        check((&web, &web), (&canary, &canary), true);
        let stable = json!({"app": "web", "track": "stable"});
        check((&stable, &stable), (&canary, &canary), false);
    }
}
