//! Revisions that a Deployment hands over: its `ReplicaSets`, under the names that these have given to their Pods.

use serde_json::Value;

use super::history::Stored;
use super::{PodHooks, Revision, fingerprint};
use crate::names;

/// Annotation of a `ReplicaSet`: the number of the revision, as `kubectl rollout history` shows it.
const NUMBER_ANNOTATION: &str = "deployment.kubernetes.io/revision";

/// The revision that a `ReplicaSet` is, with all that decides about its Pods; none if it is not one of a Deployment's.
/// Its Pods have no hook-runner, and a workload that asks for no more than the same template asks for this revision.
pub fn handed_over(replica_set: &Value) -> Option<(Stored, Value)> {
    let metadata = &replica_set["metadata"];
    let name = metadata["labels"][names::TEMPLATE_HASH_LABEL].as_str()?;
    let mut template = replica_set["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut()?.remove(names::TEMPLATE_HASH_LABEL);
    let revision = Revision::of_template(&template, PodHooks::default(), 0).ok()?;
    let (data, essence) = (revision.data(), revision.essence());
    let annotation = |name: &str| metadata["annotations"][name].as_str();
    let number = annotation(NUMBER_ANNOTATION).and_then(|number| number.parse().ok());
    let stored = Stored {
        revision: name.to_owned(),
        number: number.unwrap_or(1),
        data: fingerprint(&data),
        essence,
        change_cause: annotation(names::CHANGE_CAUSE).map(str::to_owned),
    };
    Some((stored, data))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replica_set() -> Value {
        let labels = json!({"app": "web", "pod-template-hash": "7b9f6c5d8"});
        json!({
            "metadata": {
                "name": "web-7b9f6c5d8", "labels": labels,
                "annotations": {"deployment.kubernetes.io/revision": "4", "kubernetes.io/change-cause": "image 2"},
            },
            "spec": {"template": {
                "metadata": {"creationTimestamp": null, "labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:2"}]},
            }},
        })
    }

    #[test]
    fn a_replica_set_is_the_revision_that_its_deployments_template_asks_for() {
        let (stored, data) = handed_over(&replica_set()).unwrap();
        assert_eq!((&*stored.revision, stored.number), ("7b9f6c5d8", 4));
        assert_eq!(stored.change_cause.as_deref(), Some("image 2"));
        let template = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:2"}]},
        });
        let asked = Revision::of_template(&template, PodHooks::default(), 0).unwrap();
        assert_eq!(stored.data, fingerprint(&asked.data()));
        assert_eq!(Revision::of_data("7b9f6c5d8", &data).unwrap().template, template);
    }

    #[test]
    fn what_no_deployment_has_made_is_handed_over_by_nobody() {
        let mut bare = replica_set();
        bare["metadata"]["labels"] = json!({"app": "web"});
        assert_eq!(handed_over(&bare), None);
    }
}
