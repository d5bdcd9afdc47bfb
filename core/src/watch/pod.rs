//! Pods as a watch shows them, with just the fields that decisions read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::lifecycle::{
    LiveEndpoint, ObservedPod, PodIdentity, PodSpec, PodStatus, Proven, ReadPodError, controlling_workload,
    deletion_cost, has_finalizer, kubelet, read_watched_ordinal, watched_ordinal,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LeanAnnotations {
    live_address: Option<String>,
    live_ca: Option<String>,
    deletion_cost: Option<String>,
    ordinal: Option<String>,
    /// The numbers that workloads have given which watch the Pod, by the annotation's name.
    watched_ordinals: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for LeanAnnotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = LeanAnnotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations, or null")
    }

    fn visit_unit<E>(self) -> Result<LeanAnnotations, E> {
        Ok(LeanAnnotations::default())
    }

    fn visit_none<E>(self) -> Result<LeanAnnotations, E> {
        Ok(LeanAnnotations::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<LeanAnnotations, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LeanAnnotations, A::Error> {
        let mut read = LeanAnnotations::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                names::LIVE_ADDRESS_ANNOTATION => read.live_address = map.next_value()?,
                names::LIVE_CA_ANNOTATION => read.live_ca = map.next_value()?,
                names::DELETION_COST_ANNOTATION => read.deletion_cost = map.next_value()?,
                names::ORDINAL => read.ordinal = map.next_value()?,
                key if key.starts_with(names::WATCHED_ORDINAL) => {
                    read.watched_ordinals.insert(key.to_owned(), map.next_value()?);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(read)
    }
}

impl LeanAnnotations {
    /// Where the Pod's runners reach the operator.
    fn endpoint(&mut self) -> Option<LiveEndpoint> {
        let endpoint = self.live_address.take().zip(self.live_ca.take());
        endpoint.map(|(address, ca)| LiveEndpoint { address, ca })
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
    /// The numbers that workloads have given which watch it, by the annotation's name.
    watched_ordinals: BTreeMap<String, String>,
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
        let mut annotations = std::mem::take(&mut metadata.annotations);
        let deletion_cost = deletion_cost(annotations.deletion_cost.as_deref());
        let live = annotations.endpoint();
        let LeanAnnotations { ordinal, watched_ordinals, .. } = annotations;
        Self { metadata: metadata.into(), live, deletion_cost, ordinal, watched_ordinals, spec, status }
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
        let (identity, is_named, error) = match self.identity(controller) {
            Ok((identity, is_named)) => (identity, is_named, None),
            Err(error) => (self.without_number(), false, Some(error)),
        };
        (self.observed(&controller.uid, identity, is_named), error)
    }

    /// The annotations in which it bears numbers of workloads that watch it.
    pub(super) fn watched_annotations(&self) -> impl Iterator<Item = &str> {
        self.watched_ordinals.keys().map(String::as_str)
    }

    /// Whether the workload with that UID, which watches the Pod, has given it a number.
    pub(super) fn is_numbered_by(&self, workload_uid: &str) -> bool {
        self.watched_number(workload_uid).is_ok()
    }

    fn watched_number(&self, workload_uid: &str) -> Result<u64, ReadPodError> {
        let written = self.watched_ordinals.get(&watched_ordinal(workload_uid)).map(String::as_str);
        read_watched_ordinal(written, workload_uid)
    }

    /// The Pod as decisions read it of the workload with that UID, which watches the Pod. Its revision is the hash by
    /// which its controller knows the template, if there is one.
    pub(super) fn into_watched_report(self, workload_uid: &str) -> ObservedPod {
        let number = self.watched_number(workload_uid).unwrap_or_default();
        let hashes = [names::TEMPLATE_HASH_LABEL, names::CONTROLLER_HASH_LABEL];
        let revision = hashes.into_iter().find_map(|key| self.label(key)).unwrap_or_default().to_owned();
        self.observed(workload_uid, PodIdentity { revision, number, is_bare: false }, false)
    }

    fn observed(self, owner_uid: &str, identity: PodIdentity, is_named: bool) -> ObservedPod {
        let has_finalizer = self.is_held();
        let Self { metadata, live, ordinal: _, watched_ordinals: _, deletion_cost, spec, status } = self;
        ObservedPod {
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            version: metadata.resource_version.unwrap_or_default(),
            owner_uid: owner_uid.to_owned(),
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
        }
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
    use crate::lifecycle::ordinal;

    #[test]
    fn of_annotations_those_are_read_that_decisions_need() {
        let annotations = serde_json::json!({
            names::LIVE_ADDRESS_ANNOTATION: "10.0.0.9:8443",
            names::LIVE_CA_ANNOTATION: "PEM",
            names::DELETION_COST_ANNOTATION: "7",
            names::ORDINAL: "4.hash",
            "hooked.dev/ordinal-abc": "5.abc",
            "example.org/other": "text",
        });
        let mut read = serde_json::from_value::<LeanAnnotations>(annotations).unwrap();
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        assert_eq!(read.endpoint(), Some(endpoint));
        assert_eq!((read.ordinal.as_deref(), read.deletion_cost.as_deref()), (Some("4.hash"), Some("7")));
        let watched = read.watched_ordinals.into_iter().collect::<Vec<_>>();
        assert_eq!(watched, [("hooked.dev/ordinal-abc".to_owned(), "5.abc".to_owned())]);
        let none = serde_json::from_value::<LeanAnnotations>(serde_json::Value::Null).unwrap();
        assert_eq!(none, LeanAnnotations::default());
    }

    #[test]
    fn a_pod_that_others_make_bears_a_number_for_each_workload_that_watches_it() {
        let pod: SlimPod = serde_json::from_value(serde_json::json!({"metadata": {
            "name": "web-1", "uid": "u-1", "labels": {"pod-template-hash": "rs"},
            "annotations": {
                watched_ordinal("w-1"): ordinal(4, "w-1"), watched_ordinal("w-2"): ordinal(9, "w-2"),
                watched_ordinal("w-3"): ordinal(9, "w-2"),
            },
        }}))
        .unwrap();
        for (workload, number) in [("w-1", 4), ("w-2", 9), ("w-3", 0), ("w-4", 0)] {
            let report = pod.clone().into_watched_report(workload);
            assert_eq!((report.number, &*report.revision), (number, "rs"), "{workload}");
        }
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
