//! What an operator does while it leads, as `controller/src/wiring.rs` wires it: watches, a queue of
//! workloads, at most one pass at a time over each, and the sweep.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_core::pass::Cluster;
use hooked_core::watch::{Index, ListedRevisions, SlimEvent, SlimPod, WorkloadRef};
use hooked_core::workload::template::Owner;
use hooked_crd::HookedWorkload;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::others::{Others, ShownOther};
use super::reconcile::{Watched, reconcile};
use super::sweep::sweep;
use super::watching::{Sight, Watching};
use super::{Task, poll};
use crate::ApiServer;
use crate::world::turn::Feed;
use crate::world::user::REVISIONS;
use crate::world::wire::{Port, Purpose};

/// How long the first lists of Events are waited for once Pods are listed.
const EVENTS_PATIENCE: SignedDuration = SignedDuration::from_secs(10);
/// How often strays are looked for.
const SWEEP_PERIOD: SignedDuration = SignedDuration::from_secs(5);

/// The work of the leader.
pub(in super::super) struct Leading {
    port: Port,
    pub(in super::super) index: Arc<Index>,
    pods: Watching,
    events: Watching,
    workloads: Watching,
    foreign: Watching,
    others: Others,
    /// When workloads are watched though Events are not listed; none before Pods are.
    patience_ends: Option<Timestamp>,
    pub(in super::super) store: BTreeMap<WorkloadRef, Arc<Watched>>,
    /// The workloads that a list which goes on has shown.
    listed: BTreeMap<WorkloadRef, Arc<Watched>>,
    queue: BTreeMap<WorkloadRef, Timestamp>,
    running: BTreeMap<WorkloadRef, Task<Option<SignedDuration>>>,
    sweep: Option<Task<()>>,
    next_sweep: Timestamp,
}

impl Leading {
    pub(super) fn begin(port: Port, now: Timestamp) -> Self {
        let watch = |feed| Watching::new(feed).unwrap_or_else(|| unreachable!("the server knows all feeds"));
        Self {
            port,
            index: Arc::default(),
            pods: watch(Feed::Pods),
            events: watch(Feed::Events),
            workloads: watch(Feed::Workloads),
            foreign: watch(Feed::Foreign),
            others: Others::new(watch(Feed::Others)),
            patience_ends: None,
            store: BTreeMap::new(),
            listed: BTreeMap::new(),
            queue: BTreeMap::new(),
            running: BTreeMap::new(),
            sweep: None,
            next_sweep: now,
        }
    }

    /// The watch of a feed, if it has begun.
    fn watch(&mut self, feed: Feed, now: Timestamp) -> Option<&mut Watching> {
        let has_begun = match feed {
            Feed::Pods => true,
            Feed::Events => self.pods.was_listed,
            Feed::Workloads => {
                let is_over = self.patience_ends.is_some_and(|ends| ends <= now);
                self.pods.was_listed && (self.events.was_listed || is_over)
            }
            Feed::Foreign => self.workloads.was_listed,
            Feed::Others => self.others.is_open(),
        };
        has_begun.then_some(match feed {
            Feed::Pods => &mut self.pods,
            Feed::Events => &mut self.events,
            Feed::Workloads => &mut self.workloads,
            Feed::Foreign => &mut self.foreign,
            Feed::Others => &mut self.others.watching,
        })
    }

    /// A watch breaks off and begins anew, if it has begun.
    pub(in super::super) fn relist(&mut self, feed: Feed, now: Timestamp) {
        if let Some(watch) = self.watch(feed, now) {
            watch.relist();
        }
    }

    /// Takes what has happened into the queues of all watches.
    pub(in super::super) fn fill(&mut self, server: &ApiServer) {
        for watch in [&mut self.pods, &mut self.events, &mut self.workloads, &mut self.foreign] {
            watch.fill(server);
        }
        self.others.watching.fill(server);
    }

    /// Shows the next thing of a watch, and returns the Pod that was shown, with whether it is there; false
    /// if there is nothing to show.
    pub(in super::super) fn show(&mut self, feed: Feed, server: &ApiServer, now: Timestamp) -> Option<Shown> {
        if feed == Feed::Others {
            return self.show_other(server, now);
        }
        let sight = self.watch(feed, now)?.next(server)?;
        if feed == Feed::Workloads && matches!(sight, Sight::ListBegins) && !self.workloads.was_listed {
            self.list_revisions(server);
        }
        Some(match feed {
            Feed::Pods => self.show_pod(sight, now),
            Feed::Events => self.show_event(&sight, now),
            Feed::Workloads => {
                let shown = self.show_workload(&sight, now);
                self.others.follow(&self.index, now);
                shown
            }
            Feed::Foreign | Feed::Others => self.show_foreign(&sight, now),
        })
    }

    /// Lists the stored revisions of all workloads before these are listed. That the list fails is left to the tests of
    /// the operator: what it would have shown is then asked for by each first pass.
    fn list_revisions(&self, server: &ApiServer) {
        let mut listed = ListedRevisions::default();
        listed.take_page(
            &json!({"items": server.objects(REVISIONS).map(|object| &**object).collect::<Vec<_>>()}),
        );
        self.index.show_revisions(listed);
    }

    fn show_pod(&mut self, sight: Sight, now: Timestamp) -> Shown {
        let clock = self.port.now();
        let decode = |pod: &Value| SlimPod::deserialize(pod).ok();
        match sight {
            Sight::ListBegins => {
                self.index.list_begins();
                Shown::ListBegins
            }
            Sight::Listed(pod) | Sight::Changed(pod) => {
                let shown = decode(&pod).map(|pod| self.index.show_pod(pod, clock)).unwrap_or_default();
                for workload in shown.workloads {
                    self.trigger(Some(workload), now);
                }
                Shown::Pod(pod)
            }
            Sight::Deleted(pod) => {
                let workload = decode(&pod).and_then(|pod| self.index.show_last(pod, clock));
                self.trigger(workload, now);
                Shown::NoPod(pod)
            }
            Sight::ListEnds => {
                for workload in self.index.list_ends(clock) {
                    self.trigger(Some(workload), now);
                }
                self.patience_ends.get_or_insert(now.checked_add(EVENTS_PATIENCE).unwrap_or(now));
                Shown::ListEnds
            }
        }
    }

    fn show_event(&mut self, sight: &Sight, now: Timestamp) -> Shown {
        if let Sight::Listed(event) | Sight::Changed(event) = sight
            && let Ok(event) = SlimEvent::deserialize(&**event)
        {
            for workload in self.index.show_event(&event, self.port.now()) {
                self.trigger(Some(workload), now);
            }
        }
        Shown::Other
    }

    fn show_foreign(&mut self, sight: &Sight, now: Timestamp) -> Shown {
        if let Sight::Listed(pod) | Sight::Changed(pod) = sight
            && let Ok(metadata) = ObjectMeta::deserialize(&pod["metadata"])
        {
            for workload in self.index.show_foreign(&metadata) {
                self.trigger(Some(workload), now);
            }
        }
        if let Sight::Deleted(pod) = sight
            && let Ok(metadata) = ObjectMeta::deserialize(&pod["metadata"])
        {
            self.index.show_no_foreign(&metadata);
        }
        Shown::Other
    }

    fn show_other(&mut self, server: &ApiServer, now: Timestamp) -> Option<Shown> {
        if !self.others.is_open() {
            return None;
        }
        let ShownOther { pod, workloads } =
            self.others.show(&self.index, server, &self.port, self.port.now())?;
        for workload in &workloads {
            self.trigger(Some(workload.clone()), now);
        }
        Some(pod.map_or(Shown::Other, |pod| Shown::Watched(pod, workloads)))
    }

    fn show_workload(&mut self, sight: &Sight, now: Timestamp) -> Shown {
        match sight {
            Sight::ListBegins => self.listed.clear(),
            Sight::Listed(object) => drop(self.listed.insert(reference(object), Arc::new(decode(object)))),
            Sight::ListEnds => {
                self.store = std::mem::take(&mut self.listed);
                for watched in self.store.values() {
                    self.index.show_workload(watched.metadata(), watched.spec());
                }
                self.index.workloads_are_listed();
                for workload in self.store.keys().cloned().collect::<Vec<_>>() {
                    self.trigger(Some(workload), now);
                }
            }
            Sight::Changed(object) => {
                let workload = reference(object);
                let watched = decode(object);
                for other in self.index.show_workload(watched.metadata(), watched.spec()) {
                    self.trigger(Some(other), now);
                }
                self.store.insert(workload.clone(), Arc::new(watched));
                self.trigger(Some(workload), now);
            }
            Sight::Deleted(object) => {
                let workload = reference(object);
                self.store.remove(&workload);
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                for other in self.index.disown(&workload.namespace, uid) {
                    self.trigger(Some(other), now);
                }
            }
        }
        Shown::Other
    }

    fn trigger(&mut self, workload: Option<WorkloadRef>, at: Timestamp) {
        let Some(workload) = workload else { return };
        let due = self.queue.entry(workload).or_insert(at);
        *due = (*due).min(at);
    }

    /// Goes on with all that has got an answer, and begins what is due.
    pub(super) fn run(&mut self, now: Timestamp) {
        let mut ended = Vec::new();
        for (workload, task) in &mut self.running {
            ended.extend(poll(task).map(|rest| (workload.clone(), rest)));
        }
        self.end(ended, now);
        self.others.run(&self.index, now);
        if self.workloads.was_listed {
            self.begin_passes(now);
            self.run_sweep(now);
        }
    }

    fn end(&mut self, ended: Vec<(WorkloadRef, Option<SignedDuration>)>, now: Timestamp) {
        for (workload, rest) in ended {
            self.running.remove(&workload);
            if let Some(at) = rest.and_then(|rest| now.checked_add(rest).ok()) {
                self.trigger(Some(workload), at);
            }
        }
    }

    fn begin_passes(&mut self, now: Timestamp) {
        let is_due = |(workload, due): &(&WorkloadRef, &Timestamp)| {
            **due <= now && !self.running.contains_key(*workload)
        };
        let due: Vec<_> = self.queue.iter().filter(is_due).map(|(workload, _)| workload.clone()).collect();
        for workload in due {
            self.queue.remove(&workload);
            let Some(watched) = self.store.get(&workload).cloned() else { continue };
            let metadata = watched.metadata();
            let memory = self.index.memory(&workload.namespace, &Owner::of(metadata));
            let generation = metadata.generation.unwrap_or_default();
            let purpose = Purpose::Pass { workload: workload.clone(), generation };
            let port = Port { purpose, ..self.port.clone() };
            let mut task: Task<_> = Box::pin(reconcile(port, watched, memory));
            match poll(&mut task) {
                Some(rest) => self.end(vec![(workload, rest)], now),
                None => drop(self.running.insert(workload, task)),
            }
        }
    }

    fn run_sweep(&mut self, now: Timestamp) {
        if self.sweep.is_none() && self.next_sweep <= now {
            self.next_sweep = now.checked_add(SWEEP_PERIOD).unwrap_or(now);
            let known = self.store.iter().map(|(workload, watched)| {
                (workload.namespace.clone(), watched.metadata().uid.clone().unwrap_or_default())
            });
            let port = Port { purpose: Purpose::Sweep, ..self.port.clone() };
            self.sweep = Some(Box::pin(sweep(port, Arc::clone(&self.index), known.collect())));
        }
        if self.sweep.as_mut().is_some_and(|task| poll(task).is_some()) {
            self.sweep = None;
        }
    }

    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let ready = self.workloads.was_listed;
        let waiting = self.queue.iter().filter(|(workload, _)| !self.running.contains_key(*workload));
        let passes = waiting.map(|(_, due)| *due).min().filter(|_| ready);
        let sweep = (ready && self.sweep.is_none()).then_some(self.next_sweep);
        let patience = self.patience_ends.filter(|ends| *ends > now);
        [passes, sweep, patience, self.others.next_due(now)].into_iter().flatten().min()
    }
}

/// What was shown to an operator.
#[derive(Clone, Debug)]
pub(in super::super) enum Shown {
    ListBegins,
    Pod(Arc<Value>),
    NoPod(Arc<Value>),
    ListEnds,
    /// A Pod of others, and the workloads that watch it.
    Watched(Arc<Value>, Vec<WorkloadRef>),
    Other,
}

impl Shown {
    /// What was shown, in words.
    pub(in super::super) fn describe(&self) -> String {
        let of = |pod: &Value| {
            let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
            let phase = pod["status"]["phase"].as_str().unwrap_or_default();
            format!(
                "{} {phase} deleted={:?} version {}",
                text("name"),
                text("deletionTimestamp"),
                text("resourceVersion")
            )
        };
        match self {
            Self::ListBegins => "a list begins".to_owned(),
            Self::ListEnds => "the list ends".to_owned(),
            Self::Pod(pod) | Self::Watched(pod, _) => of(pod),
            Self::NoPod(pod) => format!("{} is gone", of(pod)),
            Self::Other => "something".to_owned(),
        }
    }
}

fn reference(object: &Value) -> WorkloadRef {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    WorkloadRef::new(text("namespace"), text("name"))
}

fn decode(object: &Value) -> Watched {
    match HookedWorkload::deserialize(object) {
        Ok(workload) => Watched::Read(Box::new(workload)),
        Err(error) => {
            let metadata = ObjectMeta::deserialize(&object["metadata"]).unwrap_or_default();
            Watched::Unreadable(Box::new(metadata), error.to_string())
        }
    }
}
