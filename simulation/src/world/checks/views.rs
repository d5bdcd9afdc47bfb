//! What an operator was shown of Pods: what it may be judged by.

use std::collections::{BTreeMap, BTreeSet};

use hooked_core::lifecycle::watched_ordinal;
use hooked_core::pass::Failure;
use hooked_core::pass::call::Verb;
use jiff::Timestamp;
use serde_json::Value;

use super::{Checks, is_alive, is_of_pods, is_over, owner, revision, sets_free, takes_over, text};
use crate::world::operator::Shown;
use crate::world::wire::InFlight;

/// A Pod as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct PodView {
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) revision: String,
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
    /// Pods that it has set free.
    pub(super) free: BTreeSet<String>,
    /// Pods that it has asked the end of.
    pub(super) deleting: BTreeSet<String>,
    /// The latest instance that it was shown of each container of each Pod, by the Pod's UID.
    instances: BTreeMap<(String, String), u32>,
    /// The same of Pods of others that had numbers, by the annotation that has the number.
    others: BTreeMap<(String, String, String), u32>,
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
                view.note_instances(pod);
                view.pods.insert(uid, PodView::of(pod));
            }
            Shown::NoPod(pod) => {
                view.note_instances(pod);
                view.pods.remove(text(pod, "uid"));
            }
            Shown::ListEnds => {
                for uid in std::mem::take(&mut view.unlisted) {
                    view.pods.remove(&uid);
                }
            }
            Shown::Watched(pod, workloads) => view.note_other(pod, workloads.len()),
            Shown::Other => {}
        }
    }

    /// Whether an operator that lives was shown that instance of a container.
    pub(super) fn was_shown(&self, uid: &str, container: &str, instance: u32) -> bool {
        let of_pod = (uid.to_owned(), container.to_owned());
        self.views.values().any(|view| view.instances.get(&of_pod).is_some_and(|latest| instance <= *latest))
    }

    /// The operator has died, and forgotten everything.
    pub(in super::super) fn forget(&mut self, operator: usize) {
        self.views.remove(&operator);
    }
}

/// The latest instance of each container, as a Pod shows them.
fn instances(pod: &Value) -> impl Iterator<Item = (String, u32)> {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten().map(|status| {
        let restarts = status["restartCount"].as_u64().and_then(|count| u32::try_from(count).ok());
        let has_begun = status["state"]["running"].is_object() || status["state"]["terminated"].is_object();
        let latest = restarts.unwrap_or_default() + u32::from(has_begun);
        (status["name"].as_str().unwrap_or_default().to_owned(), latest)
    })
}

impl View {
    fn note_instances(&mut self, pod: &Value) {
        for (container, latest) in instances(pod) {
            self.instances.insert((text(pod, "uid").to_owned(), container), latest);
        }
    }

    /// Takes in a Pod of others that so many workloads watch: one of them, or all that there are.
    fn note_other(&mut self, pod: &Value, workloads: usize) {
        let annotations = pod["metadata"]["annotations"].as_object().into_iter().flatten();
        let names = annotations.map(|(name, _)| name).filter(|name| name.starts_with("hooked.dev/ordinal-"));
        let names: Vec<&String> = names.collect();
        // Of a number that only a workload has given which is not known here nothing is taken in.
        if names.len() > workloads {
            return;
        }
        for (container, latest) in instances(pod) {
            for name in &names {
                let of_container = ((*name).clone(), text(pod, "uid").to_owned(), container.clone());
                self.others.insert(of_container, latest);
            }
        }
    }

    /// Whether it was shown that instance in a Pod that had a number in a workload.
    pub(super) fn saw_other(&self, workload: &str, uid: &str, container: &str, instance: u32) -> bool {
        let of_container = (watched_ordinal(workload), uid.to_owned(), container.to_owned());
        self.others.get(&of_container).is_some_and(|latest| instance <= *latest)
    }

    /// The latest instance of a container that it was shown.
    pub(super) fn latest_instance(&self, uid: &str, container: &str) -> u32 {
        self.instances.get(&(uid.to_owned(), container.to_owned())).copied().unwrap_or_default()
    }

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
            (Verb::StrategicMerge, Ok(found)) if sets_free(call) => {
                self.free.insert(text(found, "uid").to_owned());
            }
            (Verb::StrategicMerge, Ok(found)) if takes_over(call) => {
                let uid = text(found, "uid");
                self.free.remove(uid);
                self.pods.entry(uid.to_owned()).or_insert_with(|| PodView::of(found));
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
            owner: owner(pod).to_owned(),
            name: text(pod, "name").to_owned(),
            revision: revision(pod).to_owned(),
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
