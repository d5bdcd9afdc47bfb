//! An Event as the API server shows it: just the fields that are evidence.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::evidence::PodEvidence;
use super::kubelet::{self, KubeletEvent};

/// An Event about a Pod. Its message may quote a hook's output: the message reaches no log.
#[derive(Clone, Deserialize)]
#[serde(from = "ApiEvent<IgnoredAny>")]
pub struct ObservedEvent {
    /// The UID of the Pod that the Event is about.
    pub pod_uid: String,
    /// The part of the Pod that the Event is about, such as `spec.containers{web}`.
    pub field_path: String,
    /// Such as `Killing`.
    pub reason: String,
    /// In words.
    pub message: String,
    /// The first time; whole seconds.
    pub first: Option<Timestamp>,
    /// The last time; whole seconds.
    pub last: Option<Timestamp>,
    /// Whether the Event names the kubelet as its writer.
    pub from_kubelet: bool,
}

impl ObservedEvent {
    /// What the Event is evidence of; nothing if another than the kubelet wrote the Event, or if the Event is
    /// of no interest.
    pub fn evidence(&self) -> Option<PodEvidence> {
        let Self { pod_uid: _, field_path, reason, message, first, last, from_kubelet } = self;
        from_kubelet.then_some(())?;
        kubelet::read_event(&KubeletEvent { reason, field_path, message, first: *first, last: *last })
    }
}

impl fmt::Debug for ObservedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ObservedEvent");
        shown.field("reason", &self.reason).field("pod_uid", &self.pod_uid).finish_non_exhaustive()
    }
}

/// The same as written, with as much of its metadata as `M` reads.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "M: Deserialize<'de> + Default"))]
pub(crate) struct ApiEvent<M> {
    metadata: M,
    involved_object: Involved,
    reason: String,
    message: String,
    first_timestamp: Option<Timestamp>,
    last_timestamp: Option<Timestamp>,
    event_time: Option<Timestamp>,
    source: EventSource,
    #[serde(alias = "reportingController")]
    reporting_component: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EventSource {
    component: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Involved {
    uid: String,
    field_path: String,
}

impl<M> ApiEvent<M> {
    /// The Event's metadata, and the rest.
    pub(crate) fn into_parts(self) -> (M, ObservedEvent) {
        let from_kubelet = kubelet::is_from_kubelet(&self.source.component, &self.reporting_component);
        let observed = ObservedEvent {
            pod_uid: self.involved_object.uid,
            field_path: self.involved_object.field_path,
            reason: self.reason,
            message: self.message,
            first: self.first_timestamp.or(self.event_time),
            last: self.last_timestamp,
            from_kubelet,
        };
        (self.metadata, observed)
    }
}

impl From<ApiEvent<IgnoredAny>> for ObservedEvent {
    fn from(event: ApiEvent<IgnoredAny>) -> Self {
        event.into_parts().1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_an_event_of_the_kubelet_is_evidence() {
        let is_evidence = |writer: &Value| {
            let mut event = json!({
                "involvedObject": {"uid": "u", "fieldPath": "spec.containers{web}"},
                "reason": "Killing", "message": "Stopping container web", "firstTimestamp": "2026-11-22T10:00:00Z",
            });
            event.as_object_mut().unwrap().extend(writer.as_object().unwrap().clone());
            serde_json::from_value::<ObservedEvent>(event).unwrap().evidence().is_some()
        };
        assert!(is_evidence(&json!({"source": {"component": "kubelet", "host": "n"}})));
        assert!(is_evidence(&json!({"source": {}, "reportingComponent": "kubelet"})));
        assert!(!is_evidence(&json!({"source": {"component": "me"}, "reportingComponent": "kubelet"})));
        assert!(!is_evidence(&json!({})));
    }
}
