//! Events as a watch shows them, with just the fields that decisions read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::pod::LeanMeta;
use crate::lifecycle::{ApiEvent, ObservedEvent};

/// An Event that is only decoded, never stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "ApiEvent<LeanMeta>")]
pub struct SlimEvent {
    /// The Event's metadata.
    pub metadata: ObjectMeta,
    /// What the Event tells.
    pub event: ObservedEvent,
}

impl From<ApiEvent<LeanMeta>> for SlimEvent {
    fn from(event: ApiEvent<LeanMeta>) -> Self {
        let (metadata, event) = event.into_parts();
        Self { metadata: metadata.into(), event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_another_than_the_kubelet_wrote_is_told_apart() {
        let from = |event: serde_json::Value| SlimEvent::deserialize(event).unwrap().event.from_kubelet;
        assert!(from(serde_json::json!({"source": {"component": "kubelet", "host": "n"}})));
        assert!(from(serde_json::json!({"source": {}, "reportingComponent": "kubelet"})));
        assert!(!from(serde_json::json!({"source": {"component": "me"}, "reportingComponent": "kubelet"})));
        assert!(!from(serde_json::json!({})));
    }
}
