//! What a watch shows of Pods and of Events, taken into the index.

use hooked_crd::HookedWorkloadSpec;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::claim::Claim;
use super::index::{Departure, Index, Stray, WorkloadRef};
use super::{SlimEvent, SlimPod};
use crate::lifecycle::{Proven, ReadPodError};
use crate::pass::Orphan;
use crate::workload::template::Owner;

/// What has become of a Pod that a watch has shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// The workloads that are to be reconciled.
    pub workloads: Vec<WorkloadRef>,
    /// Why the Pod has no number, though it is one of ours: it gets one.
    pub unnumbered: Option<ReadPodError>,
    /// Where the Pod, which is one of ours, proves that the hook-runner runs.
    pub proven: Option<Proven>,
}

impl Index {
    /// The Pod is there.
    pub fn show_pod(&self, pod: SlimPod, now: Timestamp) -> Shown {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let metadata = &pod.metadata;
        let (namespace, name, uid) = (text(&metadata.namespace), text(&metadata.name), text(&metadata.uid));
        let version = metadata.resource_version.clone();
        let departure = if pod.is_ending() { Departure::Gone } else { Departure::Left };
        let held = pod.is_held();
        if let Some(controller) = pod.controller() {
            self.observe_no_orphan(&namespace, &uid, true);
            let proven = pod.proven();
            let (report, unnumbered) = pod.into_report(&controller);
            let workloads = vec![self.observe(&namespace, report, &controller, now)];
            return Shown { workloads, unnumbered, proven };
        }
        // It may have been ours and lost its owner: then it lives on without us, if no other takes it over.
        let mut workloads: Vec<WorkloadRef> =
            self.observe_departed(&uid, departure, now).into_iter().collect();
        match Orphan::of(metadata) {
            Some(orphan) => workloads.extend(self.observe_orphan(&namespace, &orphan, true)),
            None => self.observe_no_orphan(&namespace, &uid, true),
        }
        if held {
            self.note_stray(Stray { namespace, name, uid, version, is_of_others: false });
        }
        Shown { workloads, ..Shown::default() }
    }

    /// A Pod without our label is there, as a watch of metadata shows it: names the workloads that may take
    /// the Pod over. Nothing is kept of a Pod that somebody controls, or that no workload selects.
    pub fn show_foreign(&self, metadata: &ObjectMeta) -> Vec<WorkloadRef> {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        if let Some(orphan) = Orphan::of(metadata) {
            return self.observe_orphan(namespace, &orphan, false);
        }
        self.show_no_foreign(metadata);
        Vec::new()
    }

    /// A Pod without our label is gone, or has got our label.
    pub fn show_no_foreign(&self, metadata: &ObjectMeta) {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        self.observe_no_orphan(namespace, metadata.uid.as_deref().unwrap_or_default(), false);
    }

    /// The Pod is deleted, or has lost the label by which it is watched. Either way its last state is shown,
    /// which may be evidence that no earlier event has shown.
    pub fn show_last(&self, pod: SlimPod, now: Timestamp) -> Option<WorkloadRef> {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        // With our finalizer on it and no deletion asked for it cannot be gone.
        let lives_on = pod.is_held() && !pod.is_ending();
        let departure = match pod.is_ending() {
            _ if lives_on => Departure::Left,
            true => Departure::Gone,
            false => Departure::Vanished,
        };
        self.observe_no_orphan(&namespace, &uid, true);
        if let Some(controller) = pod.controller().filter(|_| self.has(&uid)) {
            let (report, _) = pod.into_report(&controller);
            self.observe(&namespace, report, &controller, now);
        }
        self.observe_departed(&uid, departure, now)
    }

    /// The workload is there, in this version; `spec` is none where it cannot be decoded. How it is deleted
    /// must not be missed. Names the other workloads that are to be reconciled because of it.
    pub fn show_workload(
        &self,
        metadata: &ObjectMeta,
        spec: Option<&HookedWorkloadSpec>,
    ) -> Vec<WorkloadRef> {
        let (namespace, owner) = (metadata.namespace.as_deref().unwrap_or_default(), Owner::of(metadata));
        if metadata.deletion_timestamp.is_some() {
            self.memory(namespace, &owner).lock().note_deletion(metadata);
        }
        match spec {
            Some(HookedWorkloadSpec { workload_ref: Some(referent), .. }) => {
                self.observe_watcher(metadata, referent);
                Vec::new()
            }
            Some(spec) => self.observe_claim(namespace, &owner, &Claim::of(spec)),
            None => Vec::new(),
        }
    }

    /// The kubelet has told of a Pod. Nobody else knows what a hook did.
    pub fn show_event(&self, event: &SlimEvent, now: Timestamp) -> Vec<WorkloadRef> {
        let SlimEvent { metadata, event } = event;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let evidence = event.evidence();
        evidence
            .map(|evidence| self.observe_event(namespace, &event.pod_uid, evidence, now))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::names;
    use crate::workload::template::pod_name;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// A Pod of ours with its labels changed, and with that status.
    fn pod(labels: &Value, status: &Value) -> SlimPod {
        serde_json::from_value(json!({
            "metadata": {
                "name": pod_name("web", "w-1", "rev", 1), "namespace": "shop", "uid": "u-1", "labels": labels,
                "finalizers": [names::ACCOUNTING_FINALIZER],
                "ownerReferences": [{"apiVersion": names::API_VERSION, "kind": names::KIND, "name": "web", "uid": "w-1", "controller": true}],
            },
            "spec": {
                "nodeName": "n", "containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {}}}}],
                "volumes": [{"name": names::volume::RUNNER, "image": {"reference": "hooked:1"}}],
            },
            "status": status,
        }))
        .unwrap()
    }

    /// As the version before has labelled it.
    fn ours() -> Value {
        json!({"hooked.dev/revision": "rev", "hooked.dev/ordinal": "1"})
    }

    fn state(state: &Value) -> Value {
        json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 0, "state": state}]})
    }

    /// Whether what is left of the Pod after `depart` is still to be counted, and that it is let go.
    fn check(depart: impl FnOnce(&Index) -> Option<WorkloadRef>, expect_evidence: bool) {
        let index = Index::default();
        let running = state(&json!({"running": {"startedAt": "2026-11-22T10:00:00Z"}}));
        let web = Some(WorkloadRef::new("shop", "web"));
        assert_eq!(
            index.show_pod(pod(&ours(), &running), NOW).workloads,
            web.clone().into_iter().collect::<Vec<_>>()
        );
        assert_eq!(depart(&index), web);
        assert!(!index.has("u-1"));
        assert_eq!(index.strays().len(), 1);
        let owner = Owner { name: "web".to_owned(), uid: "w-1".to_owned() };
        assert_eq!(index.memory("shop", &owner).lock().tracker.next_due().is_some(), expect_evidence);
    }

    #[test]
    fn a_pod_that_is_known_keeps_its_number_whatever_is_written_on_it() {
        let running = state(&json!({"running": {"startedAt": "2026-11-22T10:00:00Z"}}));
        for number in ["9223372036854775808", "2", "x"] {
            let index = Index::default();
            index.show_pod(pod(&ours(), &running), NOW);
            let labels = json!({"hooked.dev/revision": "rev", "hooked.dev/ordinal": number});
            let shown = index.show_pod(pod(&labels, &running), NOW);
            assert_eq!(shown.workloads, [WorkloadRef::new("shop", "web")]);
            assert!(shown.unnumbered.is_some(), "{number}");
            let owner = Owner { name: "web".to_owned(), uid: "w-1".to_owned() };
            let memory = index.memory("shop", &owner);
            assert_eq!(
                memory.lock().replicas.get(1).map(|fact| fact.uid.to_string()),
                Some("u-1".to_owned())
            );
            assert!(memory.lock().tracker.evidence(1).is_some() && index.strays().is_empty());
        }
    }

    #[test]
    fn what_a_pod_of_ours_proves_of_the_runner_is_told_and_of_others_nothing_is() {
        let ended = json!({"terminated": {"exitCode": 0, "message": "hooked.dev/check arm64 0.1.0"}});
        let status = json!({"initContainerStatuses": [{"name": names::INSTALLER_CONTAINER, "state": ended}]});
        let mut pod = pod(&ours(), &status);
        let proven = Index::default().show_pod(pod.clone(), NOW).proven.unwrap();
        assert_eq!((&*proven.image, &*proven.architecture), ("hooked:1", "arm64"));
        pod.metadata.owner_references = None;
        assert_eq!(Index::default().show_pod(pod, NOW).proven, None);
    }

    #[test]
    fn a_pod_that_loses_our_label_is_let_go_and_what_has_ended_in_it_counts() {
        let running = state(&json!({"running": {"startedAt": "2026-11-22T10:00:00Z"}}));
        let ended = state(
            &json!({"terminated": {"startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:00:09Z"}}),
        );
        // The watch shows a lost label as a deletion, with the Pod as it was.
        check(|index| index.show_last(pod(&ours(), &running), NOW), false);
        check(|index| index.show_last(pod(&ours(), &ended), NOW), true);
    }
}
