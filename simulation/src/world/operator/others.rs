//! The watch of Pods of others, as `controller/src/watch/others.rs` has it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hooked_core::pass::{Controlled, Failure, Kinds, find_controller};
use hooked_core::watch::{Index, ShownWatched, SlimPod, WorkloadRef};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Deserialize;
use serde_json::Value;

use super::watching::{Sight, Watching};
use super::{Task, poll};
use crate::ApiServer;
use crate::world::wire::{Port, Purpose};

/// The only namespace with workloads.
const NAMESPACE: &str = "shop";
/// How long it is waited for more workloads before their namespace is listed.
const GATHERING: SignedDuration = SignedDuration::from_millis(500);
/// After how long it is asked again who controls what, where the API server could not say.
const UNCERTAIN: SignedDuration = SignedDuration::from_secs(30);
/// After how long it is listed anew where a chain ends with what nobody controls or nobody may read.
const FURTHER: SignedDuration = SignedDuration::from_secs(300);

/// What a watch of Pods of others has shown.
#[derive(Default)]
pub(super) struct ShownOther {
    pub(super) pod: Option<Arc<Value>>,
    /// The workloads that are to be reconciled.
    pub(super) workloads: Vec<WorkloadRef>,
}

/// Who controls what controls a Pod is asked.
struct Asking {
    owner: OwnerReference,
    pod: Arc<Value>,
    task: Task<Result<Controlled, Failure>>,
}

/// A Pod that is to be taken in before what the watch shows next.
enum Waiting {
    /// It may be known by now whose it is.
    Shown(Arc<Value>),
    /// The API server could not say whose it is.
    Uncertain(Arc<Value>),
}

/// The watch of the Pods of a namespace in which workloads watch those of others.
pub(super) struct Others {
    pub(super) watching: Watching,
    /// Which workload was the last that came; none if none watches.
    came: Option<u64>,
    /// Whether the first list was begun.
    has_begun: bool,
    /// Pods of which the API server could not say whose they are, by UID.
    uncertain: BTreeMap<String, Arc<Value>>,
    /// When the Pods are to be listed anew.
    list_at: Option<Timestamp>,
    /// When it is to be asked again whose Pods are of which that is uncertain.
    ask_at: Option<Timestamp>,
    asking: Option<Asking>,
    waiting: VecDeque<Waiting>,
}

impl Others {
    pub(super) fn new(watching: Watching) -> Self {
        Self {
            watching,
            came: None,
            has_begun: false,
            uncertain: BTreeMap::new(),
            list_at: None,
            ask_at: None,
            asking: None,
            waiting: VecDeque::new(),
        }
    }

    /// Whether it can show anything.
    pub(super) fn is_open(&self) -> bool {
        self.has_begun && self.asking.is_none()
    }

    /// Workloads may have come or gone. While those are gathered that come, the watch for those before goes on.
    pub(super) fn follow(&mut self, index: &Index, now: Timestamp) {
        let wanted = index.watchers(NAMESPACE);
        if wanted == self.came {
            return;
        }
        self.came = wanted;
        if wanted.is_some() {
            self.list_within(GATHERING, now);
            return;
        }
        self.watching.relist();
        (self.has_begun, self.list_at, self.ask_at, self.asking) = (false, None, None, None);
        self.waiting.clear();
        self.uncertain.clear();
    }

    fn list_within(&mut self, rest: SignedDuration, now: Timestamp) {
        let at = now.checked_add(rest).unwrap_or(now);
        self.list_at = Some(self.list_at.map_or(at, |known| known.min(at)));
    }

    /// Goes on with what is asked, and begins what is due.
    pub(super) fn run(&mut self, index: &Index, now: Timestamp) {
        if let Some(asking) = &mut self.asking {
            let Some(found) = poll(&mut asking.task) else { return };
            let Asking { owner, pod, .. } =
                self.asking.take().unwrap_or_else(|| unreachable!("it was there"));
            self.learn(index, &owner, pod, found, now);
        }
        if !self.waiting.is_empty() {
            return;
        }
        let is_due = |at: &mut Timestamp| *at <= now;
        if self.list_at.take_if(is_due).is_some() {
            self.has_begun = true;
            self.watching.relist();
        } else if self.ask_at.take_if(is_due).is_some() {
            self.waiting.extend(std::mem::take(&mut self.uncertain).into_values().map(Waiting::Shown));
        }
    }

    fn learn(
        &mut self,
        index: &Index,
        owner: &OwnerReference,
        pod: Arc<Value>,
        found: Result<Controlled, Failure>,
        now: Timestamp,
    ) {
        if let Ok(controlled) = found {
            if !matches!(controlled, Controlled::By(_)) {
                self.list_within(FURTHER, now);
            }
            index.show_controller(NAMESPACE, owner, controlled);
            self.waiting.push_front(Waiting::Shown(pod));
        } else {
            self.ask_at.get_or_insert(now.checked_add(UNCERTAIN).unwrap_or(now));
            self.waiting.push_front(Waiting::Uncertain(pod));
        }
    }

    /// Shows the next thing.
    pub(super) fn show(
        &mut self,
        index: &Index,
        server: &ApiServer,
        port: &Port,
        clock: Timestamp,
    ) -> Option<ShownOther> {
        match self.waiting.pop_front() {
            Some(Waiting::Shown(pod)) => return Some(self.show_pod(pod, index, port, clock)),
            Some(Waiting::Uncertain(object)) => {
                let workloads = decode(&object).map(|pod| index.show_watched_uncertain(&pod, clock));
                self.uncertain.insert(uid(&object), Arc::clone(&object));
                return Some(ShownOther { pod: Some(object), workloads: workloads.unwrap_or_default() });
            }
            None => {}
        }
        Some(match self.watching.next(server)? {
            Sight::ListBegins => {
                self.uncertain.clear();
                index.watched_list_begins(NAMESPACE);
                ShownOther::default()
            }
            Sight::Listed(pod) | Sight::Changed(pod) => self.show_pod(pod, index, port, clock),
            Sight::Deleted(object) => {
                self.uncertain.remove(&uid(&object));
                let workloads = decode(&object).map(|pod| index.show_watched_last(&pod, clock));
                ShownOther { pod: None, workloads: workloads.unwrap_or_default() }
            }
            Sight::ListEnds => ShownOther { pod: None, workloads: index.watched_list_ends(NAMESPACE, clock) },
        })
    }

    /// Takes in a Pod, and asks who controls what controls it where that is not known.
    fn show_pod(&mut self, object: Arc<Value>, index: &Index, port: &Port, clock: Timestamp) -> ShownOther {
        let Some(pod) = decode(&object) else { return ShownOther::default() };
        match index.show_watched(&pod, clock) {
            ShownWatched::Taken(workloads) => {
                self.uncertain.remove(&uid(&object));
                ShownOther { pod: Some(object), workloads }
            }
            ShownWatched::Ask(owner) => {
                self.asking = Some(Asking { task: ask(port, owner.clone()), owner, pod: object });
                ShownOther::default()
            }
        }
    }

    /// When it does something by itself.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        [self.list_at, self.ask_at].into_iter().flatten().min().filter(|at| *at > now)
    }
}

fn decode(object: &Value) -> Option<SlimPod> {
    SlimPod::deserialize(object).ok()
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn ask(port: &Port, owner: OwnerReference) -> Task<Result<Controlled, Failure>> {
    let port = Port { purpose: Purpose::Chain, ..port.clone() };
    Box::pin(async move { find_controller(&port, &mut Kinds::default(), NAMESPACE, &owner).await })
}
