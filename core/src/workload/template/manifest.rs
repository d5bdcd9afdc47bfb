//! The Pod that is asked for: the template as written, plus who it belongs to.

use hooked_crd::Evidence;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};

use crate::lifecycle::ordinal;
use crate::names;

/// The workload that a Pod belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The workload's name.
    pub name: String,
    /// The workload's UID.
    pub uid: String,
}

impl Owner {
    /// The workload with this metadata.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self { name: text(&metadata.name), uid: text(&metadata.uid) }
    }

    /// The owner reference of everything that this workload controls. The reference does not block the owner's
    /// deletion: our own finalizer does, and more exactly, and the API server refuses a blocking reference for seconds
    /// after our CRD is new.
    pub fn reference(&self) -> Value {
        json!({
            "apiVersion": names::API_VERSION,
            "kind": names::KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": true,
        })
    }
}

/// Which Pod it is.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The workload that it belongs to.
    pub owner: &'a Owner,
    /// Its name.
    pub name: &'a str,
    /// The revision that it is made of.
    pub revision: &'a str,
    /// Its number within its workload.
    pub number: u64,
}

/// The manifest of a Pod of `template`. Labels, annotations and finalizers of the template are kept, as a
/// ReplicaSet keeps them; `spec` is passed on as it was written.
pub fn manifest(template: &Value, identity: &Identity<'_>, evidence: Evidence) -> Value {
    let Identity { owner, name, revision, number } = *identity;
    let metadata = &template["metadata"];
    let mut labels = object(&metadata["labels"]);
    for label in [names::REVISION_LABEL, names::TEMPLATE_HASH_LABEL] {
        labels.insert(label.to_owned(), revision.into());
    }
    // In a template that was taken from a Pod of the version before.
    labels.remove(names::ORDINAL);
    let mut annotations = object(&metadata["annotations"]);
    annotations.insert(names::ORDINAL.to_owned(), ordinal(number, &owner.uid).into());
    let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    if evidence == Evidence::Durable {
        finalizers.push(names::ACCOUNTING_FINALIZER.into());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": annotations,
            "finalizers": finalizers,
            "ownerReferences": [owner.reference()],
        },
        "spec": template["spec"],
    })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_keeps_what_the_template_says_and_gains_its_identity() {
        let template = json!({
            "metadata": {"labels": {"app": "hook", "pod-template-hash": "old"}, "annotations": {"note": "kept"}, "finalizers": ["theirs/own"]},
            "spec": {"containers": [{"name": "web", "resources": {"limits": {"cpu": 0.5}}}]},
        });
        let owner = Owner { name: "hook-demo2".to_owned(), uid: "u-1".to_owned() };
        let pod = manifest(
            &template,
            &Identity { owner: &owner, name: "hook-demo2-x", revision: "rev", number: 7 },
            Evidence::Durable,
        );
        assert_eq!(
            pod["metadata"]["labels"],
            json!({"app": "hook", "hooked.dev/revision": "rev", "pod-template-hash": "rev"})
        );
        assert_eq!(pod["metadata"]["finalizers"], json!(["theirs/own", "hooked.dev/accounting"]));
        assert_eq!(
            pod["metadata"]["annotations"],
            json!({"note": "kept", "hooked.dev/ordinal": ordinal(7, "u-1")})
        );
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], "u-1");
        assert_eq!(pod["spec"], template["spec"]);
    }

    #[test]
    fn best_effort_evidence_holds_no_pod() {
        let owner = Owner { name: "w".to_owned(), uid: "u".to_owned() };
        let pod = manifest(
            &json!({"spec": {}}),
            &Identity { owner: &owner, name: "w-x", revision: "rev", number: 1 },
            Evidence::BestEffort,
        );
        assert_eq!(pod["metadata"]["finalizers"], json!([]));
    }
}
