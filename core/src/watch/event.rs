//! Events as a watch shows them, with just the fields that decisions read.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::pod::LeanMeta;

/// An Event that is only decoded, never stored. Its message may quote a hook's output: it is never logged.
#[derive(Clone, Deserialize)]
#[serde(from = "WireEvent")]
pub struct SlimEvent {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The UID of the Pod that it is about.
    pub pod_uid: String,
    /// The place in the Pod.
    pub field_path: String,
    /// In one word.
    pub reason: String,
    /// In words.
    pub message: String,
    /// When it was first told of.
    pub first: Option<Timestamp>,
    /// When it was last told of.
    pub last: Option<Timestamp>,
    component: String,
}

impl SlimEvent {
    /// Whether it says that the kubelet wrote it: nobody else knows what a hook did.
    pub fn is_from_kubelet(&self) -> bool {
        self.component == "kubelet"
    }
}

impl std::fmt::Debug for SlimEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlimEvent")
            .field("reason", &self.reason)
            .field("pod_uid", &self.pod_uid)
            .finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireEvent {
    metadata: LeanMeta,
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

impl From<WireEvent> for SlimEvent {
    fn from(event: WireEvent) -> Self {
        let WireEvent {
            metadata,
            involved_object,
            reason,
            message,
            first_timestamp,
            last_timestamp,
            event_time,
            source,
            reporting_component,
        } = event;
        // Older kubelets name themselves only as the source, newer ones as both.
        let component = if source.component.is_empty() { reporting_component } else { source.component };
        let Involved { uid, field_path } = involved_object;
        let first = first_timestamp.or(event_time);
        Self {
            metadata: metadata.into(),
            pod_uid: uid,
            field_path,
            reason,
            message,
            first,
            last: last_timestamp,
            component,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_another_than_the_kubelet_wrote_is_told_apart() {
        let from = |event: serde_json::Value| SlimEvent::deserialize(event).unwrap().is_from_kubelet();
        assert!(from(serde_json::json!({"source": {"component": "kubelet", "host": "n"}})));
        assert!(from(serde_json::json!({"source": {}, "reportingComponent": "kubelet"})));
        assert!(!from(serde_json::json!({"source": {"component": "me"}, "reportingComponent": "kubelet"})));
        assert!(!from(serde_json::json!({})));
    }
}
