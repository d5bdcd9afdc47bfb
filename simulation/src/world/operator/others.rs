//! The watch of Pods of others, as `controller/src/watch/others.rs` has it.

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
/// After how long it is listed anew where the API server could not say who controls what.
const UNCERTAIN: SignedDuration = SignedDuration::from_secs(30);

/// What a watch of Pods of others has shown.
pub(super) struct ShownOther {
    pub(super) pod: Option<Arc<Value>>,
    /// The workloads that are to be reconciled.
    pub(super) workloads: Vec<WorkloadRef>,
}

/// Who controls an object is asked.
struct Asking {
    owner: OwnerReference,
    task: Task<Result<Controlled, Failure>>,
}

/// The watch of the Pods of a namespace in which workloads watch those of others.
pub(super) struct Others {
    pub(super) watching: Watching,
    /// How many workloads had come when it began; none if there is no watch.
    came: Option<u64>,
    /// When it begins, or began.
    begins: Timestamp,
    asking: Option<Asking>,
    /// What is to be shown again, now that it is known who controls what.
    again: Option<Sight>,
}

impl Others {
    pub(super) fn new(watching: Watching, now: Timestamp) -> Self {
        Self { watching, came: None, begins: now, asking: None, again: None }
    }

    /// Whether it can show anything.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.came.is_some() && self.begins <= now && self.asking.is_none()
    }

    /// It breaks off, and begins anew.
    pub(in super::super) fn relist(&mut self) {
        self.watching.relist();
        (self.asking, self.again) = (None, None);
    }

    /// Workloads may have come or gone.
    pub(super) fn follow(&mut self, index: &Index, now: Timestamp) {
        let wanted = index.watchers(NAMESPACE);
        if wanted != self.came {
            self.came = wanted;
            self.begin_at(now, GATHERING);
        }
    }

    fn begin_at(&mut self, now: Timestamp, rest: SignedDuration) {
        self.relist();
        self.begins = now.checked_add(rest).unwrap_or(now);
    }

    /// Goes on with what is asked.
    pub(super) fn run(&mut self, index: &Index, now: Timestamp) {
        let Some(asking) = &mut self.asking else { return };
        let Some(found) = poll(&mut asking.task) else { return };
        match found {
            Ok(controlled) => {
                index.show_controller(NAMESPACE, &asking.owner.uid, controlled);
                self.asking = None;
            }
            Err(_) => self.begin_at(now, UNCERTAIN),
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
        let sight = self.again.take().or_else(|| self.watching.next(server))?;
        let mut pod = None;
        let workloads = match &sight {
            Sight::ListBegins => {
                index.watched_list_begins(NAMESPACE);
                Vec::new()
            }
            Sight::Listed(object) | Sight::Changed(object) => match show(index, object, clock) {
                ShownWatched::Taken(workloads) => {
                    pod = Some(Arc::clone(object));
                    workloads
                }
                ShownWatched::Ask(owner) => {
                    self.asking = Some(Asking { task: ask(port, owner.clone()), owner });
                    self.again = Some(sight);
                    Vec::new()
                }
            },
            Sight::Deleted(object) => {
                let pod = SlimPod::deserialize(&**object).ok();
                pod.map(|pod| index.show_watched_last(&pod, clock)).unwrap_or_default()
            }
            Sight::ListEnds => index.watched_list_ends(NAMESPACE, clock),
        };
        Some(ShownOther { pod, workloads })
    }

    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.came.map(|_| self.begins).filter(|begins| *begins > now)
    }
}

fn show(index: &Index, object: &Value, clock: Timestamp) -> ShownWatched {
    match SlimPod::deserialize(object) {
        Ok(pod) => index.show_watched(&pod, clock),
        Err(_) => ShownWatched::Taken(Vec::new()),
    }
}

fn ask(port: &Port, owner: OwnerReference) -> Task<Result<Controlled, Failure>> {
    let port = Port { purpose: Purpose::Chain, ..port.clone() };
    Box::pin(async move { find_controller(&port, &mut Kinds::default(), NAMESPACE, &owner).await })
}
