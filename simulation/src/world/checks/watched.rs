//! Pods of others: nothing of them is changed but their numbers, and what is counted of them is what happened since
//! they were watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hooked_core::accounting::ledger::{Ledger, PodMarks};
use hooked_core::lifecycle::watched_ordinal;
use hooked_core::pass::call::Verb;
use hooked_crd::{HookKind, HookRunStatus, Outcome};
use hooked_protocol::Hook;
use serde_json::Value;

use super::numbers::kind;
use super::{Book, Check, Checks, is_carried_out, text, violated};
use crate::ApiServer;
use crate::kubelet::{HookRun, Nodes};
use crate::world::others::{is_of_others, is_watched};
use crate::world::user::{PODS, WORKLOADS};
use crate::world::wire::InFlight;

/// What is known of the Pods of others that a workload watches.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// Whether there were Pods for it to watch when it came.
    has_older: bool,
    /// Pods that have got numbers in it, by UID.
    numbered: BTreeMap<String, Numbered>,
    /// What had been shown of Pods that were there before, by UID and container.
    older: BTreeMap<(String, String), Older>,
}

/// What had been shown of a container before its Pod was watched.
#[derive(Clone, Copy, Debug, Default)]
struct Older {
    /// The latest instance.
    latest: u32,
    /// The latest that had ended.
    ended: u32,
}

impl Older {
    fn of(status: &Value) -> Self {
        let before = status["restartCount"].as_u64().and_then(|count| u32::try_from(count).ok());
        let before = before.unwrap_or_default();
        let is_running = status["state"]["running"].is_object();
        let has_ended = status["state"]["terminated"].is_object();
        Self { latest: before + u32::from(is_running || has_ended), ended: before + u32::from(has_ended) }
    }

    /// Up to which instance runs of a hook were over.
    fn floor(self, hook: HookKind) -> u32 {
        if hook == HookKind::PostStart { self.latest } else { self.ended }
    }
}

/// A Pod of others that has got a number.
#[derive(Debug, Default)]
struct Numbered {
    number: u64,
    /// Whether a user has made it with the number of another: it may go before it gets one of its own.
    is_copy: bool,
    /// What was over before the Pod was watched.
    not_ours: PodMarks,
    /// Up to which instance of a container the start was ever committed.
    begun: BTreeMap<String, u32>,
}

/// Whether the workload watches Pods of others.
pub(super) fn watches(workload: &Value) -> bool {
    workload["spec"]["workloadRef"].is_object()
}

/// The number that a Pod of others has in a workload; 0 if it has none.
fn number_in(pod: &Value, workload: &str) -> u64 {
    let written = pod["metadata"]["annotations"][watched_ordinal(workload)].as_str();
    let number = written.and_then(|written| written.split_once('.')?.0.parse().ok());
    number.unwrap_or_default()
}

/// An object without what the operator may change in a Pod of others.
fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = Value::Null;
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|name, _| !name.starts_with("hooked.dev/ordinal-"));
    }
    let has_none = object["metadata"]["annotations"].as_object().is_none_or(serde_json::Map::is_empty);
    if has_none {
        object["metadata"]["annotations"] = Value::Null;
    }
    object
}

impl Checks {
    /// Of what is somebody else's nothing is changed but what a number is.
    pub(super) fn others_are_left_alone(
        &mut self,
        request: &InFlight,
        before: Option<&Arc<Value>>,
        server: &ApiServer,
    ) -> Check {
        let call = &request.call;
        let Some(before) = before.filter(|before| is_of_others(&call.path) || is_watched(before)) else {
            return Ok(());
        };
        let after = server.object(&call.path);
        let is_same = after.is_some_and(|after| essence(after) == essence(before));
        if call.verb == Verb::Delete || !is_same {
            return violated("others", format!("{:?} {} {}", call.verb, call.path, call.body));
        }
        let (Some(pod), true) = (after, is_carried_out(request)) else { return Ok(()) };
        let watching = self.books.iter().filter(|(_, book)| book.watching.is_some());
        let workloads: Vec<String> = watching.map(|(uid, _)| uid.clone()).collect();
        for workload in workloads {
            let number = number_in(pod, &workload);
            if number == 0 || number == number_in(before, &workload) {
                continue;
            }
            self.number_is_new(&workload, number, text(pod, "uid"))?;
            let Some(book) = self.books.get_mut(&workload) else { continue };
            let not_ours = book.ledger.marks.get(number);
            let numbered = Numbered { number, not_ours, ..Numbered::default() };
            let Some(watching) = &mut book.watching else { continue };
            let known = watching.numbered.entry(text(pod, "uid").to_owned()).or_default();
            if known.number == 0 || known.is_copy {
                *known = numbered;
            }
        }
        Ok(())
    }

    /// A user has made a Pod of others as one was, with all its numbers.
    pub(super) fn note_numbers(&mut self, pod: &Value) {
        for (workload, book) in &mut self.books {
            let number = number_in(pod, workload);
            if let Some(watching) = book.watching.as_mut().filter(|_| number > 0) {
                let copy = Numbered { number, is_copy: true, ..Numbered::default() };
                watching.numbered.insert(text(pod, "uid").to_owned(), copy);
            }
        }
    }

    /// What is there once all is at rest: every Pod has its numbers, and what was to be counted is.
    pub(super) fn others_are_counted(&self, server: &ApiServer, nodes: &Nodes) -> Check {
        for workload in server.objects(WORKLOADS).filter(|object| watches(object)) {
            let uid = text(workload, "uid");
            let mut pods = server.objects(PODS).filter(|pod| is_watched(pod));
            if let Some(pod) = pods.find(|pod| number_in(pod, uid) == 0) {
                let (pod, name) = (text(pod, "name"), text(workload, "name"));
                return violated("numbered", format!("{pod} has no number in {name}"));
            }
            let Some(book) = self.books.get(uid).filter(|book| !book.is_blurred) else { continue };
            let missing: BTreeSet<_> = nodes
                .truth()
                .runs
                .iter()
                .filter(|run| self.is_missing((uid, book), run, server, nodes))
                .map(|run| (&run.pod_uid, &run.container, run.instance, kind(run.hook)))
                .collect();
            if missing.len() as u64 > book.unshown {
                let (name, unshown) = (text(workload, "name"), book.unshown);
                return violated("every-run-counts", format!("{name}: {missing:?}, {unshown} unknown"));
            }
        }
        Ok(())
    }

    /// Whether a run was to be counted and is not shown as counted.
    fn is_missing(
        &self,
        (workload, book): (&str, &Book),
        run: &HookRun,
        server: &ApiServer,
        nodes: &Nodes,
    ) -> bool {
        let HookRun { pod_uid, container, instance, hook, .. } = run;
        let Some(watching) = &book.watching else { return false };
        let Some(numbered) = watching.numbered.get(pod_uid).filter(|it| !it.is_copy) else { return false };
        let mark = numbered.not_ours.of(container);
        let floor = if *hook == Hook::PostStart { mark.post_start } else { mark.end };
        if *instance <= floor || book.counted_of(pod_uid, container, *instance, kind(*hook)).next().is_some()
        {
            return false;
        }
        if server.objects(PODS).any(|pod| text(pod, "uid") == pod_uid) {
            let mut instances = nodes.truth().instances_of(pod_uid);
            let lives = instances
                .any(|it| it.container == *container && it.instance == *instance && it.end.is_none());
            return run.end.is_some() && !(lives && *hook == Hook::PreStop);
        }
        let shares_number = watching.numbered.values().filter(|it| it.number == numbered.number).count() > 1;
        let had_begun = numbered.begun.get(container).is_some_and(|begun| instance <= begun);
        let was_shown =
            self.views.values().any(|view| view.saw_other(workload, pod_uid, container, *instance));
        (had_begun && !shares_number && !watching.has_older) || (was_shown && !self.is_untold(pod_uid))
    }
}

impl Watching {
    /// A workload has come that watches Pods of others. One that was created in the second before it at the latest was
    /// there before.
    pub(super) fn since(workload: &Value, server: &ApiServer) -> Self {
        let mut watching = Self::default();
        for pod in server.objects(PODS).filter(|pod| is_watched(pod)) {
            watching.has_older = true;
            if text(pod, "creationTimestamp") >= text(workload, "creationTimestamp") {
                continue;
            }
            for status in pod["status"]["containerStatuses"].as_array().into_iter().flatten() {
                let container = status["name"].as_str().unwrap_or_default().to_owned();
                watching.older.insert((text(pod, "uid").to_owned(), container), Older::of(status));
            }
        }
        watching
    }

    /// Up to which instance of a container runs of a hook were over before the Pod was watched.
    fn over(&self, pod: &str, container: &str, hook: HookKind) -> u32 {
        let of_container = (pod.to_owned(), container.to_owned());
        self.older.get(&of_container).copied().unwrap_or_default().floor(hook)
    }

    /// No run is counted that was over before anybody asked for it.
    pub(super) fn is_since(&self, run: &HookRunStatus) -> Check {
        let HookRunStatus { pod, pod_uid, container, restart_count, hook, .. } = run;
        let over = self.over(pod_uid, container, *hook);
        if i64::from(*restart_count) < i64::from(over) {
            let instance = restart_count + 1;
            let what = format!("{hook:?} of {container}'s instance {instance} in {pod} was over before");
            return violated("not-ours", what);
        }
        Ok(())
    }

    /// Takes in what is committed of Pods of others.
    pub(super) fn note_begun(&mut self, ledger: &Ledger) {
        for numbered in self.numbered.values_mut() {
            for (container, mark) in ledger.marks.get(numbered.number).0 {
                let begun = numbered.begun.entry(container.to_string()).or_default();
                *begun = mark.post_start.max(*begun);
            }
        }
    }
}

impl Book {
    /// No more is counted of any hook than may be: a run of each instance at most that is not shown as counted, in Pods
    /// that have numbers, or were there before the workload.
    pub(super) fn none_is_guessed(
        &self,
        ledger: &Ledger,
        nodes: &Nodes,
        is_foreign: impl Fn(&str) -> bool,
    ) -> Check {
        let Some(watching) = &self.watching else { return Ok(()) };
        let mut counted: BTreeMap<(&str, HookKind), u64> = BTreeMap::new();
        for (key, count) in &ledger.runs {
            *counted.entry((&key.container, key.hook)).or_default() += count;
        }
        for ((container, hook), count) in counted {
            let is_shown = |run: &(&super::RunId, &Outcome)| run.0.1 == container && run.0.3 == hook;
            let shown = self.counted.iter().filter(is_shown).count() as u64;
            let open = nodes.truth().instances.iter().filter(|it| {
                let floor = watching.numbered.get(&it.pod_uid).map(|numbered| {
                    let mark = numbered.not_ours.of(container);
                    if hook == HookKind::PostStart { mark.post_start } else { mark.end }
                });
                it.container == container
                    && it.instance > watching.over(&it.pod_uid, container, hook)
                    // Of an older Pod a commit may have marked what is not ours, though it went without a number.
                    && floor.map_or(watching.has_older && is_foreign(&it.pod_uid), |floor| it.instance > floor)
                    && self.counted_of(&it.pod_uid, container, it.instance, hook).next().is_none()
            });
            let open = open.count() as u64;
            if count > shown + open {
                let what = format!("{count} of {hook:?} in {container}, {shown} shown, {open} may be");
                return violated("never-guessed", what);
            }
        }
        Ok(())
    }
}
