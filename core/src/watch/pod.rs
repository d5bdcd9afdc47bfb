//! Pods as a watch shows them, with just the fields that decisions read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::Deserialize;

use crate::lifecycle::{
    LiveEndpoint, ObservedPod, PodIdentity, PodSpec, PodStatus, Proven, ReadPodError, controlling_workload,
    deletion_cost, has_finalizer, kubelet,
};
use crate::names;
use crate::workload::template::pod_name;

/// The metadata that decisions read. `managedFields` is the largest part of most Pods, and is not decoded.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LeanMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: LeanAnnotations,
    owner_references: Option<Vec<OwnerReference>>,
    finalizers: Option<Vec<String>>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
}

/// The annotations that decisions read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LeanAnnotations {
    #[serde(rename = "hooked.dev/live-address")]
    live_address: Option<String>,
    #[serde(rename = "hooked.dev/live-ca")]
    live_ca: Option<String>,
    #[serde(rename = "controller.kubernetes.io/pod-deletion-cost")]
    deletion_cost: Option<String>,
    #[serde(rename = "hooked.dev/ordinal")]
    ordinal: Option<String>,
}

impl LeanAnnotations {
    /// Where the Pod's runners reach the operator, and the Pod's number as it is written.
    fn read(self) -> (Option<LiveEndpoint>, Option<String>, i32) {
        let endpoint = self.live_address.zip(self.live_ca);
        let cost = deletion_cost(self.deletion_cost.as_deref());
        (endpoint.map(|(address, ca)| LiveEndpoint { address, ca }), self.ordinal, cost)
    }
}

impl From<LeanMeta> for ObjectMeta {
    fn from(meta: LeanMeta) -> Self {
        Self {
            name: meta.name,
            namespace: meta.namespace,
            uid: meta.uid,
            resource_version: meta.resource_version,
            labels: meta.labels,
            owner_references: meta.owner_references,
            finalizers: meta.finalizers,
            generation: meta.generation,
            creation_timestamp: meta.creation_timestamp,
            deletion_timestamp: meta.deletion_timestamp,
            deletion_grace_period_seconds: meta.deletion_grace_period_seconds,
            ..Self::default()
        }
    }
}

/// A Pod that is only decoded, never stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "WirePod")]
pub struct SlimPod {
    /// Its metadata.
    pub metadata: ObjectMeta,
    live: Option<LiveEndpoint>,
    deletion_cost: i32,
    /// Its number as it is written on it.
    ordinal: Option<String>,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct WirePod {
    metadata: LeanMeta,
    spec: PodSpec,
    status: PodStatus,
}

impl From<WirePod> for SlimPod {
    fn from(WirePod { mut metadata, spec, status }: WirePod) -> Self {
        let (live, ordinal, deletion_cost) = std::mem::take(&mut metadata.annotations).read();
        Self { metadata: metadata.into(), live, ordinal, deletion_cost, spec, status }
    }
}

/// The workload that controls a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

impl SlimPod {
    /// The HookedWorkload that controls this Pod, if one does.
    pub fn controller(&self) -> Option<Controller> {
        let owner = controlling_workload(&self.metadata)?;
        Some(Controller { name: owner.name.clone(), uid: owner.uid.clone() })
    }

    /// Whether our finalizer is on it.
    pub fn is_held(&self) -> bool {
        has_finalizer(&self.metadata)
    }

    /// Whether its deletion was asked for, or anything in it has ended.
    pub fn is_ending(&self) -> bool {
        let mut containers = self.status.container_statuses.iter();
        self.metadata.deletion_timestamp.is_some()
            || containers.any(|container| container.state.terminated.is_some())
    }

    /// Where it proves that the hook-runner runs.
    pub(super) fn proven(&self) -> Option<Proven> {
        kubelet::proven(&self.spec, &self.status)
    }

    /// The Pod as decisions read it, and why it has no number if it has none.
    pub fn into_report(self, controller: &Controller) -> (ObservedPod, Option<ReadPodError>) {
        let has_finalizer = self.is_held();
        let (identity, is_named, error) = match self.identity(controller) {
            Ok((identity, is_named)) => (identity, is_named, None),
            Err(error) => (self.without_number(), false, Some(error)),
        };
        let Self { metadata, live, ordinal: _, deletion_cost, spec, status } = self;
        let pod = ObservedPod {
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            version: metadata.resource_version.unwrap_or_default(),
            owner_uid: controller.uid.clone(),
            revision: identity.revision,
            number: identity.number,
            is_named,
            labels: metadata.labels.unwrap_or_default(),
            generation: metadata.generation,
            created: metadata.creation_timestamp.map(|time| time.0),
            deletion_cost,
            deletion_timestamp: metadata.deletion_timestamp.map(|time| time.0),
            deletion_grace_seconds: metadata.deletion_grace_period_seconds,
            has_finalizer,
            live,
            spec,
            status,
        };
        (pod, error)
    }

    /// Which Pod of the workload it is, and whether its name says the same. A bare number is believed with its name.
    fn identity(&self, controller: &Controller) -> Result<(PodIdentity, bool), ReadPodError> {
        let identity = PodIdentity::read(|key| self.label(key), self.ordinal.as_deref(), &controller.uid)?;
        let name = self.metadata.name.as_deref().unwrap_or_default();
        let is_named =
            name == pod_name(&controller.name, &controller.uid, &identity.revision, identity.number);
        if identity.is_bare && !is_named {
            return Err(ReadPodError::OtherName(name.to_owned()));
        }
        Ok((identity, is_named))
    }

    fn without_number(&self) -> PodIdentity {
        let revision = self.label(names::REVISION_LABEL).unwrap_or_default().to_owned();
        PodIdentity { revision, ..PodIdentity::default() }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attributes of serde take no constant.
    #[test]
    fn annotations_are_read_under_the_names_that_they_are_written_under() {
        let annotations = serde_json::json!({
            names::LIVE_ADDRESS_ANNOTATION: "10.0.0.9:8443",
            names::LIVE_CA_ANNOTATION: "PEM",
            names::DELETION_COST_ANNOTATION: "7",
            names::ORDINAL: "4.hash",
        });
        let read = serde_json::from_value::<LeanAnnotations>(annotations).unwrap().read();
        let expect = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        assert_eq!(read, (Some(expect), Some("4.hash".to_owned()), 7));
    }

    #[test]
    fn a_pod_is_decoded_with_its_identity_and_without_its_managed_fields() {
        let pod: SlimPod = serde_json::from_value(serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": pod_name("web", "w-1", "rev", 4), "namespace": "shop", "uid": "u-1", "resourceVersion": "7",
                "labels": {"hooked.dev/revision": "rev", "hooked.dev/ordinal": "4"},
                "finalizers": ["hooked.dev/accounting"],
                "ownerReferences": [{"apiVersion": "hooked.dev/v1alpha1", "kind": "HookedWorkload", "name": "web", "uid": "w-1", "controller": true}],
                "managedFields": [{"manager": "kubelet"}],
            },
            "spec": {"nodeName": "n", "containers": [{"name": "web", "image": "nginx", "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0, "ready": true, "state": {"running": {"startedAt": "2026-11-22T10:00:00Z"}}}]},
        }))
        .unwrap();
        let controller = pod.controller().unwrap();
        assert_eq!(controller, Controller { name: "web".into(), uid: "w-1".into() });
        assert!(pod.metadata.managed_fields.is_none());
        let other = Controller { uid: "w-2".into(), ..controller.clone() };
        let (stranger, error) = pod.clone().into_report(&other);
        assert!(matches!((stranger.number, error), (0, Some(ReadPodError::OtherName(_)))));
        let (report, error) = pod.into_report(&controller);
        assert_eq!((report.number, report.revision.as_str(), report.has_finalizer), (4, "rev", true));
        assert_eq!((report.version.as_str(), report.is_named, error), ("7", true, None));
        assert_eq!(report.shape().hooks().count(), 1);
    }

    #[test]
    fn a_pod_of_another_controller_is_not_ours() {
        let pod: SlimPod = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "x", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "w-1", "controller": true}]},
        }))
        .unwrap();
        assert_eq!(pod.controller(), None);
    }
}
