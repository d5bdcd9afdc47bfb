//! What an operator was shown of Pods: what it may be judged by.

use std::collections::{BTreeMap, BTreeSet};

use hooked_core::pass::Failure;
use hooked_core::pass::call::Verb;
use jiff::Timestamp;
use serde_json::Value;

use super::{Checks, is_alive, is_of_pods, is_over, text};
use crate::world::operator::Shown;
use crate::world::wire::InFlight;

/// A Pod as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct PodView {
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) is_alive: bool,
    pub(super) is_over: bool,
    pub(super) ready_since: Option<i64>,
}

/// What one operator was shown since it leads, and what it has deleted.
#[derive(Debug, Default)]
pub(in super::super) struct View {
    /// By UID.
    pub(super) pods: BTreeMap<String, PodView>,
    unlisted: BTreeSet<String>,
    /// Pods that it has asked the end of.
    pub(super) deleting: BTreeSet<String>,
}

impl Checks {
    /// Takes in what a watch shows an operator.
    pub(in super::super) fn shown(&mut self, operator: usize, shown: &Shown) {
        let view = self.views.entry(operator).or_default();
        match shown {
            Shown::ListBegins => view.unlisted = view.pods.keys().cloned().collect(),
            Shown::Pod(pod) => {
                let uid = text(pod, "uid").to_owned();
                view.unlisted.remove(&uid);
                view.pods.insert(uid, PodView::of(pod));
            }
            Shown::NoPod(pod) => drop(view.pods.remove(text(pod, "uid"))),
            Shown::ListEnds => {
                for uid in std::mem::take(&mut view.unlisted) {
                    view.pods.remove(&uid);
                }
            }
            Shown::Other => {}
        }
    }

    /// The operator has died, and forgotten everything.
    pub(in super::super) fn forget(&mut self, operator: usize) {
        self.views.remove(&operator);
    }
}

impl View {
    /// A delete that was refused, or that a look at the Pod finds not done, is not one.
    pub(super) fn answered(&mut self, request: &InFlight, answer: &Result<Value, Failure>) {
        let call = &request.call;
        if !is_of_pods(&call.path) {
            return;
        }
        match (call.verb, answer) {
            (Verb::Delete, Err(failure))
                if failure.is_certain() && !failure.is_not_found() && !failure.is_conflict() =>
            {
                let uid = call.body["preconditions"]["uid"].as_str().unwrap_or_default();
                self.deleting.remove(uid);
            }
            (Verb::Get, Ok(found)) if found["metadata"]["deletionTimestamp"].is_null() => {
                self.deleting.remove(text(found, "uid"));
            }
            _ => {}
        }
    }
}

impl PodView {
    fn of(pod: &Value) -> Self {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let ready =
            conditions.into_iter().find(|known| known["type"] == "Ready" && known["status"] == "True");
        let since = ready.and_then(|ready| ready["lastTransitionTime"].as_str()?.parse::<Timestamp>().ok());
        Self {
            owner: pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_owned(),
            name: text(pod, "name").to_owned(),
            is_alive: is_alive(pod),
            is_over: is_over(pod),
            ready_since: since.map(Timestamp::as_second),
        }
    }

    pub(super) fn is_available(&self, min_ready: i64, now: i64) -> bool {
        self.is_alive
            && self.ready_since.is_some_and(|since| min_ready == 0 || since.saturating_add(min_ready) <= now)
    }
}
