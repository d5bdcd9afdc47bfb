//! What must hold at every step, whatever happens: the invariants of ARCHITECTURE.md, judged by what really happened.

mod adoption;
mod counts;
mod gate;
mod numbers;
mod paused;
mod rest;
mod serving;
mod surge;
mod views;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use hooked_core::accounting::ledger::{Ledger, PodMarks};
use hooked_core::pass::Failure;
use hooked_core::pass::call::{Call, Verb};
use hooked_core::workload::desired::{Desired, Strategy};
use hooked_crd::{HookKind, HookedWorkload, Outcome};
use hooked_protocol::Invocation;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::operator::{LEASE, identity};
use super::others::is_watched;
use super::plan::NEVER_READY;
use super::requests::is_dry_run;
use super::user::{PODS, WORKLOADS};
use super::wire::{InFlight, Process, Purpose};
use crate::ApiServer;
use crate::kubelet::Nodes;
use views::View;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What should have held.
    pub invariant: &'static str,
    /// What was seen instead.
    pub what: String,
}

/// The result of a check.
type Check = Result<(), Violation>;

fn violated(invariant: &'static str, what: impl Into<String>) -> Check {
    Err(Violation { invariant, what: what.into() })
}

/// A run of a hook: Pod, container, instance, hook, and which execution of the hook.
type RunId = (String, String, u32, HookKind, i64);

/// What a spec allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    /// The most Pods that there may be.
    most: usize,
    /// The Pods that must serve.
    serving: usize,
    min_ready: i64,
    /// Whether all Pods of a revision are to end before one of another comes.
    alone: bool,
}

/// What is known of a workload.
#[derive(Debug, Default)]
struct Book {
    name: String,
    /// By generation.
    specs: BTreeMap<i64, Bounds>,
    /// What is committed.
    ledger: Ledger,
    /// The runs that were ever counted, each with its outcome.
    counted: BTreeMap<RunId, Outcome>,
    /// More was counted at once than can be seen.
    is_blurred: bool,
    /// Runs that were counted as Unknown without being shown: nothing was known of them but that they were.
    unshown: u64,
    /// The most Pods that there may be, while more are there than the latest spec allows.
    ceiling: usize,
    /// What is known of the Pods of others that it watches; none if it watches none.
    watching: Option<watched::Watching>,
    /// Whether it was ever orphaned: its Pods live on uncounted.
    was_orphaned: bool,
    /// The generation with which it was first deleted, and whether that was to leave its Pods behind.
    deleted_at: Option<(i64, bool)>,
}

/// A Pod that was ever made.
#[derive(Debug)]
struct Made {
    owner: String,
    revision: String,
    is_never_ready: bool,
    is_durable: bool,
    /// Whether its hooks' failures are ignored: then only the end of a container tells how its postStart ended.
    is_ignoring: bool,
    /// What was over before its workload took it over.
    not_ours: PodMarks,
}

/// All that the checks remember.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// By UID.
    books: BTreeMap<String, Book>,
    /// By UID.
    made: BTreeMap<String, Made>,
    /// Pods by their workload's UID and their number.
    numbers: BTreeMap<(String, u64), String>,
    /// Pods that were let go though nobody knows of their end.
    given_up: BTreeSet<String>,
    /// Pods whose nodes are no more.
    lost: BTreeSet<String>,
    /// UIDs of Pods that a workload has taken over.
    taken_over: BTreeSet<String>,
    /// UIDs of Pods that a user has made as one of a workload was.
    copies: BTreeSet<String>,
    /// What each operator was shown.
    views: BTreeMap<usize, View>,
    last_change: String,
    /// Whether anything but a malformed template may have been refused.
    pub(super) are_others_refused: bool,
}

impl Checks {
    /// Whether the Pod's container is never ready.
    pub(super) fn is_never_ready(&self, uid: &str) -> bool {
        self.made.get(uid).is_some_and(|pod| pod.is_never_ready)
    }

    /// What changed last.
    pub(super) fn last_change(&self) -> &str {
        &self.last_change
    }

    /// A node is no more: what ran on it may have been told to nobody.
    pub(super) fn lose_node(&mut self, node: &str, server: &ApiServer) {
        let lost = server.objects(PODS).filter(|pod| pod["spec"]["nodeName"] == *node);
        self.lost.extend(lost.map(|pod| text(pod, "uid").to_owned()));
    }

    /// Whether nobody may have been told of what ran in a Pod.
    fn is_untold(&self, uid: &str) -> bool {
        self.given_up.contains(uid) || self.lost.contains(uid)
    }

    /// Takes in what users ask for, or what an operator has gone back to for them.
    pub(super) fn note_specs(&mut self, server: &ApiServer) {
        for object in server.objects(WORKLOADS) {
            let (uid, generation) = (text(object, "uid"), object["metadata"]["generation"].as_i64());
            let is_new = !self.books.contains_key(uid);
            let book = self.books.entry(uid.to_owned()).or_default();
            if is_new && watched::watches(object) {
                book.watching = Some(watched::Watching::since(object, server));
            }
            let is_terminating = object["metadata"]["deletionTimestamp"].is_string();
            let is_orphaned = is_to_orphan(object);
            let generation = generation.unwrap_or_default();
            book.was_orphaned |= is_orphaned;
            book.deleted_at = book.deleted_at.or(is_terminating.then_some((generation, is_orphaned)));
            if book.specs.contains_key(&generation) {
                continue;
            }
            text(object, "name").clone_into(&mut book.name);
            let workload = HookedWorkload::deserialize(&**object).ok();
            let desired = workload.and_then(|workload| Desired::from_spec(&workload.spec, 0).ok());
            let Some(desired) = desired else { continue };
            let (surge, unavailable) = match desired.strategy {
                Strategy::Recreate => (0, desired.replicas),
                Strategy::RollingUpdate { surge, unavailable } => (surge, unavailable),
            };
            let bounds = Bounds {
                most: (desired.replicas + surge) as usize,
                serving: desired.replicas.saturating_sub(unavailable) as usize,
                min_ready: desired.min_ready_seconds,
                alone: desired.strategy == Strategy::Recreate && !desired.paused,
            };
            book.specs.insert(generation, bounds);
        }
    }

    /// Looks at a request that an operator sends.
    pub(super) fn sent(
        &mut self,
        request: &InFlight,
        server: &ApiServer,
        nodes: &Nodes,
        clock: Timestamp,
    ) -> Check {
        if is_dry_run(&request.call) || !is_of_pods(&request.call.path) {
            return Ok(());
        }
        match request.call.verb {
            Verb::Create => {
                self.create_follows_commit(request, server)?;
                self.comes_alone(request)
            }
            Verb::Delete => {
                self.orphans_live_on(request, server)?;
                self.enough_serve(request, server, clock)
            }
            Verb::StrategicMerge if sets_free(&request.call) => {
                self.set_free_follows_count(request, server, nodes)
            }
            Verb::StrategicMerge if !request.call.body["metadata"][RELEASE].is_null() => {
                self.release_follows_count(request, server, nodes)
            }
            _ => Ok(()),
        }
    }

    /// Looks at a change that was carried out.
    pub(super) fn carried_out(
        &mut self,
        request: &InFlight,
        before: Option<&Arc<Value>>,
        server: &ApiServer,
        nodes: &Nodes,
        now: Timestamp,
    ) -> Check {
        if request.purpose == Purpose::Election {
            return Ok(());
        }
        let (call, process) = (&request.call, request.process);
        self.last_change = format!("{:?} {} at {now} by {process:?}", call.verb, call.path);
        if !request.is_late && !leads(process, server) {
            let what = format!("{process:?} has {:?} {} carried out without the Lease", call.verb, call.path);
            return violated("one-writer", what);
        }
        self.others_are_left_alone(request, before, server)?;
        if call.verb == Verb::JsonPatch {
            self.note_specs(server);
        }
        if is_of_pods(&call.path) && !is_dry_run(call) {
            adoption::nothing_is_done_beside(request, server)?;
        }
        if is_of_pods(&call.path) && call.verb == Verb::Create {
            self.note_pod(request)?;
            return self.within_surge(request, server);
        }
        if is_of_pods(&call.path) && takes_over(call) {
            self.note_adoption(request, server);
        }
        if is_of_pods(&call.path) && number(&call.body) > 0 {
            let Some(pod) = server.object(&call.path).filter(|_| is_carried_out(request)) else {
                return Ok(());
            };
            self.note_numbered(pod);
            return self.number_is_new(owner(pod), number(pod), text(pod, "uid"));
        }
        if let Some(path) = call.path.strip_suffix("/status") {
            let object = server.object(path).or(before);
            return object.map_or(Ok(()), |object| self.counts_hold(object, before, server, nodes));
        }
        Ok(())
    }

    /// Takes in the answer to a request.
    pub(super) fn answered(&mut self, request: &InFlight, answer: &Result<Value, Failure>) {
        if let Some(view) = self.views.get_mut(&request.process.operator) {
            view.answered(request, answer);
        }
    }

    fn note_pod(&mut self, request: &InFlight) -> Check {
        let Some(Ok(reply)) = &request.reply else { return Ok(()) };
        let (uid, body) = (text(reply, "uid").to_owned(), &request.call.body);
        self.note_made(&uid, body);
        self.number_is_new(owner(body), number(body), &uid)
    }

    /// A user has made a Pod as one of a workload was. One that is made while the workload goes, or later, is
    /// nobody's to count.
    pub(super) fn note_copy(&mut self, pod: &Value, server: &ApiServer) {
        self.copies.insert(text(pod, "uid").to_owned());
        if is_watched(pod) {
            self.note_foreign(pod);
            self.note_numbers(pod);
            return;
        }
        let mut workloads = server.objects(WORKLOADS);
        let is_owner = |object: &&Arc<Value>| text(object, "uid") == owner(pod);
        if workloads.find(is_owner).is_none_or(|object| !object["metadata"]["deletionTimestamp"].is_null()) {
            return;
        }
        self.note_made(text(pod, "uid"), pod);
    }

    /// A Pod is there that no workload has made, and that one may take over.
    pub(super) fn note_foreign(&mut self, pod: &Value) {
        self.note_made(text(pod, "uid"), pod);
    }

    fn note_made(&mut self, uid: &str, body: &Value) {
        let owner = owner(body).to_owned();
        let labels = &body["metadata"]["labels"];
        let made = Made {
            owner,
            revision: revision(body).to_owned(),
            is_never_ready: labels[NEVER_READY] == "yes",
            is_durable: !body["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty),
            is_ignoring: false,
            not_ours: PodMarks::default(),
        };
        let containers = body["spec"]["containers"].as_array().into_iter().flatten();
        let mut words =
            containers.filter_map(|it| it["lifecycle"]["postStart"]["exec"]["command"].as_array());
        let ignores = |words: &Vec<Value>| {
            let words = words.iter().filter_map(Value::as_str).map(OsString::from);
            let run = Invocation::from_command(words).and_then(Result::ok);
            run.is_some_and(|run| run.ignore_failure)
        };
        let made = Made { is_ignoring: words.any(ignores), ..made };
        self.made.insert(uid.to_owned(), made);
    }
}

/// The field by which our finalizer is taken off a Pod.
const RELEASE: &str = "$deleteFromPrimitiveList/finalizers";

/// Whether the request takes a Pod out of its workload.
fn sets_free(call: &Call) -> bool {
    let body = &call.body["metadata"];
    body["labels"].is_object() && body["ownerReferences"][0]["$patch"] == "delete"
}

/// Whether the request makes a workload the controller of a Pod.
fn takes_over(call: &Call) -> bool {
    call.verb == Verb::StrategicMerge
        && call.body["metadata"]["ownerReferences"][0]["uid"].is_string()
        && !sets_free(call)
        && call.body["metadata"]["ownerReferences"][0]["$patch"].is_null()
}

fn is_of_pods(path: &str) -> bool {
    path.contains("/pods")
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The UID of a Pod's workload; empty if it has none.
fn owner(pod: &Value) -> &str {
    pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default()
}

/// Whether a workload is to leave its Pods behind.
fn is_to_orphan(workload: &Value) -> bool {
    let finalizers = workload["metadata"]["finalizers"].as_array().into_iter().flatten();
    let is_terminating = workload["metadata"]["deletionTimestamp"].is_string();
    is_terminating && finalizers.into_iter().any(|finalizer| finalizer == "orphan")
}

/// The number of a Pod; 0 if it has none.
fn number(pod: &Value) -> u64 {
    let written = pod["metadata"]["annotations"]["hooked.dev/ordinal"].as_str();
    let number = written.and_then(|written| written.split_once('.')?.0.parse().ok());
    number.unwrap_or_default()
}

fn revision(pod: &Value) -> &str {
    pod["metadata"]["labels"]["hooked.dev/revision"].as_str().unwrap_or_default()
}

/// Whether a Pod is wanted and has not ended.
fn is_alive(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null() && !is_over(pod) && is_selected(pod)
}

/// Whether no user has taken the Pod out of its workload.
fn is_selected(pod: &Value) -> bool {
    pod["metadata"]["labels"]["app"] == "web"
}

fn is_carried_out(request: &InFlight) -> bool {
    matches!(request.reply, Some(Ok(_)))
}

fn is_over(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Who holds the Lease.
fn holder(server: &ApiServer) -> Option<&str> {
    server.object(LEASE)?["spec"]["holderIdentity"].as_str()
}

fn leads(process: Process, server: &ApiServer) -> bool {
    holder(server) == Some(identity(process).as_str())
}
