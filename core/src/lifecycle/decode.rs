//! From a Pod as the API server shows it to an [`ObservedPod`].

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::{Deserialize, Deserializer};

use super::deletion_cost::deletion_cost;
use super::endpoint::LiveEndpoint;
use super::number::PodIdentity;
use super::pod::{ObservedPod, PodSpec, PodStatus};
use crate::names;

/// The HookedWorkload that controls the object with this metadata, if one does.
pub fn controlling_workload(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let controller =
        metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
    (controller.kind == names::KIND && controller.api_version == names::API_VERSION).then_some(controller)
}

/// Whether our finalizer is on the object with this metadata.
pub(crate) fn has_finalizer(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == names::ACCOUNTING_FINALIZER)
}

impl ObservedPod {
    /// A Pod from its parts. A Pod without our label has no revision, and one without a number of its workload has the
    /// number 0: see [`PodIdentity`].
    pub fn decode(metadata: &ObjectMeta, spec: PodSpec, status: PodStatus) -> Self {
        let label = |key: &str| metadata.labels.as_ref()?.get(key).map(String::as_str);
        let owner_uid = controlling_workload(metadata).map(|owner| owner.uid.clone()).unwrap_or_default();
        let ordinal = metadata.annotations.as_ref().and_then(|all| all.get(names::ORDINAL));
        let identity = PodIdentity::read(label, ordinal.map(String::as_str), &owner_uid);
        let revision = label(names::REVISION_LABEL).unwrap_or_default().to_owned();
        let PodIdentity { number, .. } = identity.unwrap_or_default();
        Self {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.clone().unwrap_or_default(),
            owner_uid,
            is_named: false,
            labels: metadata.labels.clone().unwrap_or_default(),
            revision,
            number,
            generation: metadata.generation,
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            deletion_cost: deletion_cost(annotation(metadata, names::DELETION_COST_ANNOTATION)),
            deletion_timestamp: metadata.deletion_timestamp.as_ref().map(|time| time.0),
            deletion_grace_seconds: metadata.deletion_grace_period_seconds,
            has_finalizer: has_finalizer(metadata),
            has_our_runner: true,
            live: endpoint(metadata),
            spec,
            status,
        }
    }
}

/// Where the Pod's runners reach the operator, as the Pod's annotations say.
fn endpoint(metadata: &ObjectMeta) -> Option<LiveEndpoint> {
    let annotation = |key: &str| annotation(metadata, key).map(str::to_owned);
    let (address, ca) = (annotation(names::LIVE_ADDRESS_ANNOTATION)?, annotation(names::LIVE_CA_ANNOTATION)?);
    Some(LiveEndpoint { address, ca })
}

fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// A Pod as written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ApiPod {
    metadata: ObjectMeta,
    spec: PodSpec,
    status: PodStatus,
}

impl<'de> Deserialize<'de> for ObservedPod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ApiPod { metadata, spec, status } = ApiPod::deserialize(deserializer)?;
        Ok(Self::decode(&metadata, spec, status))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::lifecycle::ordinal;

    fn pod(metadata: &Value) -> ObservedPod {
        serde_json::from_value(json!({"metadata": metadata, "spec": {"nodeName": "n"}})).unwrap()
    }

    #[test]
    fn an_own_pod_is_decoded_with_its_identity() {
        let pod = pod(&json!({
            "name": "web-1", "uid": "u-1", "generation": 2,
            "labels": {"hooked.dev/revision": "rev"},
            "annotations": {"hooked.dev/ordinal": ordinal(4, "w-1"), "hooked.dev/live-address": "10.0.0.1:9443", "hooked.dev/live-ca": "pem"},
            "finalizers": ["hooked.dev/accounting"],
            "ownerReferences": [{
                "apiVersion": names::API_VERSION, "kind": names::KIND, "name": "web", "uid": "w-1", "controller": true,
            }],
            "managedFields": [{"manager": "kubelet"}],
        }));
        assert_eq!((pod.name.as_str(), pod.uid.as_str(), pod.generation), ("web-1", "u-1", Some(2)));
        assert_eq!((pod.owner_uid.as_str(), pod.revision.as_str(), pod.number), ("w-1", "rev", 4));
        assert_eq!((pod.spec.node_name.as_deref(), pod.has_finalizer), (Some("n"), true));
        assert_eq!(pod.live.unwrap().address, "10.0.0.1:9443");
    }

    #[test]
    fn a_pod_of_another_controller_has_no_owner_and_no_number() {
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r", "controller": true});
        let pod = pod(&json!({"name": "web-1", "ownerReferences": [owner]}));
        assert_eq!((pod.owner_uid.as_str(), pod.revision.as_str(), pod.number), ("", "", 0));
        assert!(!pod.has_finalizer && pod.live.is_none());
    }
}
