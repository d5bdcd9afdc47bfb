//! The Events that a kubelet sends: later than what they tell of, repeats folded, some never.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{ApiServer, ContentType, Request};

/// One thing that a kubelet has to tell.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) node: String,
    /// `spec.containers{web}`; empty for the Pod as a whole.
    pub(super) field_path: String,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) at: Timestamp,
}

/// What makes two notices one Event: Pod, place, reason and message.
type Sameness = (String, String, &'static str, String);

/// What was told as one Event so far.
#[derive(Clone, Debug)]
struct Sent {
    path: String,
    count: u64,
}

/// The Events of one kubelet that are not sent yet, and those that are.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Notice>,
    sent: BTreeMap<Sameness, Sent>,
    names: u64,
}

impl Outbox {
    pub(super) fn push(&mut self, notice: Notice) {
        self.waiting.push_back(notice);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// An Event that was sent before is another one from now on.
    pub(super) fn forget_sent(&mut self) {
        self.sent.clear();
    }

    pub(super) fn lose(&mut self) {
        self.waiting.pop_front();
    }

    /// Sends the oldest one: as a new Event, or as one more of an Event that is known.
    pub(super) fn send(&mut self, server: &mut ApiServer, now: Timestamp) {
        let Some(notice) = self.waiting.pop_front() else { return };
        let sameness = (notice.uid.clone(), notice.field_path.clone(), notice.reason, notice.message.clone());
        if let Some(sent) = self.sent.get_mut(&sameness) {
            sent.count += 1;
            let more = json!({"count": sent.count, "lastTimestamp": second(notice.at)});
            let request = Request::patch(&sent.path, ContentType::StrategicMergePatch, more);
            if server.handle(&request, now).is_success() {
                return;
            }
        }
        self.names += 1;
        let name = format!("{}.{:016x}", notice.pod, self.names);
        let collection = format!("/api/v1/namespaces/{}/events", notice.namespace);
        let event = notice.to_event(&name);
        if server.handle(&Request::create(&collection, event), now).is_success() {
            self.sent.insert(sameness, Sent { path: format!("{collection}/{name}"), count: 1 });
        }
    }
}

impl Notice {
    fn to_event(&self, name: &str) -> Value {
        let time = second(self.at);
        let is_warning = self.reason.starts_with("Failed") || self.reason == "Evicted";
        let mut object = json!({
            "kind": "Pod", "apiVersion": "v1", "namespace": self.namespace, "name": self.pod, "uid": self.uid,
        });
        if !self.field_path.is_empty() {
            object["fieldPath"] = self.field_path.as_str().into();
        }
        json!({
            "metadata": {"name": name, "namespace": self.namespace},
            "involvedObject": object,
            "reason": self.reason,
            "message": self.message,
            "source": {"component": "kubelet", "host": self.node},
            "reportingComponent": "kubelet",
            "reportingInstance": self.node,
            "type": if is_warning { "Warning" } else { "Normal" },
            "count": 1,
            "firstTimestamp": time,
            "lastTimestamp": time,
        })
    }
}

/// A time in whole seconds, as core Events and the Pod's status have it.
pub(super) fn second(time: Timestamp) -> Value {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string().into()
}
