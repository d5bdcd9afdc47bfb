//! One Pod on its node, as its kubelet runs it.

use std::sync::Arc;

use hooked_protocol::Hook;
use jiff::Timestamp;
use serde_json::Value;

use super::container::{Activity, Container, later};
use super::event::{Notice, Outbox};
use super::step::HookEnd;
use super::truth::{HookRun, Instance, RunEnd, StopCause, Truth};
use crate::ApiServer;

/// However little is left of the grace period, a program has this many seconds after its stop signal.
const LEAST_STOP: i64 = 2;

/// A Pod that a kubelet knows.
#[derive(Clone, Debug)]
pub(super) struct LocalPod {
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) grace: i64,
    pub(super) containers: Vec<Container>,
    /// The containers that only prepare the Pod.
    pub(super) init: Vec<String>,
    pub(super) accepted: Timestamp,
    /// Why and when the Pod is stopped, once it is.
    pub(super) stop: Option<(StopCause, Timestamp)>,
    /// The status that was written last.
    pub(super) shown: Option<Value>,
    /// Something has happened since the status was found to be as it should be.
    pub(super) is_stirred: bool,
}

/// When a step is taken, and where it leaves its traces.
pub(super) struct Place<'a> {
    pub(super) now: Timestamp,
    pub(super) truth: &'a mut Truth,
    pub(super) outbox: &'a mut Outbox,
}

/// The path of a Pod.
pub(super) fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

/// The grace period that the kubelet works with: at least a second.
pub(super) fn grace_in_force(object: &Value) -> i64 {
    object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(1).max(1)
}

impl LocalPod {
    pub(super) fn new(object: &Value, now: Timestamp) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let policy = spec["restartPolicy"].as_str().unwrap_or("Always");
        let list = |name: &str| spec[name].as_array().into_iter().flatten();
        let sidecars = || list("initContainers").filter(|container| container["restartPolicy"] == "Always");
        let containers = sidecars()
            .map(|container| Container::new(container, true, policy, now))
            .chain(list("containers").map(|container| Container::new(container, false, policy, now)))
            .collect();
        let init = list("initContainers").filter(|container| container["restartPolicy"] != "Always");
        Self {
            uid: text(&metadata["uid"]),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            node: text(&spec["nodeName"]),
            grace: spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(30),
            containers,
            init: init.map(|container| text(&container["name"])).collect(),
            accepted: now,
            stop: None,
            shown: None,
            is_stirred: true,
        }
    }

    pub(super) fn path(&self) -> String {
        path(&self.namespace, &self.name)
    }

    /// The Pod as the API has it; none if it is gone, even if another one has its name.
    pub(super) fn object<'a>(&self, server: &'a ApiServer) -> Option<&'a Arc<Value>> {
        server.object(&self.path()).filter(|object| object["metadata"]["uid"] == *self.uid)
    }

    /// Whether no container keeps the kubelet's worker from looking at the Pod.
    pub(super) fn worker_is_free(&self) -> bool {
        !self.containers.iter().any(Container::occupies_worker)
    }

    /// Whether nothing runs any more and nothing will.
    pub(super) fn is_over(&self) -> bool {
        let over = |container: &Container| {
            !container.is_there()
                && (self.stop.is_some() || (container.instance > 0 && !container.is_to_restart()))
        };
        self.containers
            .iter()
            .all(|container| over(container) || (container.is_sidecar && !container.is_there()))
    }

    pub(super) fn tell(
        &self,
        container: Option<usize>,
        reason: &'static str,
        message: String,
        at: &mut Place<'_>,
    ) {
        let field_path = container.map(|index| self.containers[index].field_path.clone()).unwrap_or_default();
        at.outbox.push(Notice {
            uid: self.uid.clone(),
            namespace: self.namespace.clone(),
            pod: self.name.clone(),
            node: self.node.clone(),
            field_path,
            reason,
            message,
            at: at.now,
        });
    }

    /// The next instance of a container starts.
    pub(super) fn start(&mut self, index: usize, at: &mut Place<'_>) {
        let container = &mut self.containers[index];
        if container.is_there() {
            return;
        }
        container.instance += 1;
        (container.started, container.post_start_error) = (at.now, None);
        container.in_truth = at.truth.instances.len();
        at.truth.instances.push(Instance {
            pod_uid: self.uid.clone(),
            container: container.name.clone(),
            instance: container.instance,
            started: at.now,
            stop: None,
            end: None,
            killed: false,
            out_of_memory: false,
            is_forgiven: false,
        });
        container.activity = Activity::Running;
        self.tell(Some(index), "Started", "Container started".to_owned(), at);
        match self.begin_hook(index, Hook::PostStart, at) {
            Some(run) => self.containers[index].activity = Activity::PostStart { run, began: at.now },
            None => self.settle_in(index),
        }
    }

    /// The program is there and nothing keeps it from being used.
    pub(super) fn settle_in(&mut self, index: usize) {
        let container = &mut self.containers[index];
        container.activity = Activity::Running;
        container.passed_startup = !container.has_startup_probe;
        container.ready = container.passed_startup && !container.has_readiness_probe;
    }

    fn begin_hook(&mut self, index: usize, hook: Hook, at: &mut Place<'_>) -> Option<usize> {
        let container = &mut self.containers[index];
        let run = at.truth.runs.len();
        let mut log = std::mem::take(&mut container.log);
        let recorded = container.handler(hook).map(|handler| {
            handler.begin(run, at.now, &mut log);
            handler.records()
        });
        container.log = log;
        at.truth.runs.push(HookRun {
            pod_uid: self.uid.clone(),
            container: container.name.clone(),
            instance: container.instance,
            hook,
            recorded: recorded?,
            began: at.now,
            deadline: None,
            end: None,
        });
        Some(run)
    }

    /// The hook that runs in the container ends by itself.
    pub(super) fn end_hook(&mut self, index: usize, end: HookEnd, at: &mut Place<'_>) {
        let container = &mut self.containers[index];
        let (hook, run, began) = match container.activity {
            Activity::PostStart { run, began } => (Hook::PostStart, run, began),
            Activity::PreStop { run, began, .. } => (Hook::PreStop, run, began),
            _ => return,
        };
        let mut log = std::mem::take(&mut container.log);
        let ended =
            container.handler(hook).is_none_or(|handler| handler.end((run, began), end, at.now, &mut log));
        container.log = log;
        let how = match end {
            HookEnd::Succeeded => RunEnd::Succeeded,
            HookEnd::Failed => RunEnd::Failed,
            HookEnd::TimedOut => RunEnd::TimedOut,
        };
        at.truth.end_run(run, how, at.now);
        match (hook, ended) {
            (Hook::PostStart, true) => self.settle_in(index),
            (Hook::PostStart, false) => self.fail_post_start(index, at),
            (Hook::PreStop, succeeded) => {
                if !succeeded {
                    self.tell(Some(index), "FailedPreStopHook", "PreStopHook failed".to_owned(), at);
                }
                self.signal(index, at);
            }
        }
    }

    fn fail_post_start(&mut self, index: usize, at: &mut Place<'_>) {
        let container = &self.containers[index];
        let command = container.post_start.as_ref().map_or("", |handler| handler.command.as_str());
        let error = format!(
            "Exec lifecycle hook ([{command}]) for Container {:?} in Pod \"{}_{}({})\" failed - error: command \
             '{command}' exited with 1: , message: \"\"",
            container.name, self.name, self.namespace, self.uid
        );
        self.containers[index].post_start_error = Some(error);
        self.tell(Some(index), "FailedPostStartHook", "PostStartHook failed".to_owned(), at);
        self.begin_stop(index, StopCause::PostStartHook, self.grace, at);
    }

    /// The kubelet begins to stop a container, by its preStop hook first.
    pub(super) fn begin_stop(&mut self, index: usize, cause: StopCause, grace: i64, at: &mut Place<'_>) {
        let message = self.containers[index].killing_message(cause);
        self.tell(Some(index), "Killing", message, at);
        if let Some(instance) = at.truth.instances.get_mut(self.containers[index].in_truth) {
            instance.stop.get_or_insert((at.now, cause));
        }
        let deadline = later(at.now, grace);
        self.containers[index].activity = match self.begin_hook(index, Hook::PreStop, at) {
            Some(run) => {
                if let Some(run) = at.truth.runs.get_mut(run) {
                    run.deadline = Some(deadline);
                }
                Activity::PreStop { run, began: at.now, deadline }
            }
            None => Activity::Stopping { deadline: later(at.now, grace.max(LEAST_STOP)) },
        };
    }

    /// The program gets its stop signal, with what is left of the grace period.
    pub(super) fn signal(&mut self, index: usize, at: &Place<'_>) {
        let Activity::PreStop { deadline, .. } = self.containers[index].activity else { return };
        let deadline = deadline.max(later(at.now, LEAST_STOP));
        self.containers[index].activity = Activity::Stopping { deadline };
    }

    /// The grace period ends before the preStop hook does.
    pub(super) fn cut_off(&mut self, index: usize, at: &mut Place<'_>) {
        let Activity::PreStop { run, .. } = self.containers[index].activity else { return };
        at.truth.end_run(run, RunEnd::CutOff, at.now);
        self.tell(Some(index), "FailedPreStopHook", "PreStopHook failed".to_owned(), at);
        self.signal(index, at);
    }

    /// A program ends, and takes a hook that runs along.
    pub(super) fn exit(&mut self, index: usize, code: i32, reason: &'static str, at: &mut Place<'_>) {
        let activity = self.containers[index].activity.clone();
        match activity {
            Activity::None | Activity::Ended => return,
            Activity::PostStart { run, .. } => {
                at.truth.end_run(run, RunEnd::LostWithProgram, at.now);
                let kill = self.containers[index].killing_message(StopCause::PostStartHook);
                self.tell(Some(index), "FailedPostStartHook", "PostStartHook failed".to_owned(), at);
                self.tell(Some(index), "Killing", kill, at);
            }
            Activity::PreStop { run, .. } => {
                at.truth.end_run(run, RunEnd::LostWithProgram, at.now);
                self.tell(Some(index), "FailedPreStopHook", "PreStopHook failed".to_owned(), at);
            }
            Activity::Running | Activity::Stopping { .. } => {}
        }
        let container = &mut self.containers[index];
        container.finish(code, reason, at.now);
        if let Some(instance) = at.truth.instances.get_mut(container.in_truth) {
            instance.end = Some((at.now, code));
            instance.out_of_memory = reason == "OOMKilled";
        }
    }

    /// The grace period ends before the program does.
    pub(super) fn kill(&mut self, index: usize, at: &mut Place<'_>) {
        if let Some(instance) = at.truth.instances.get_mut(self.containers[index].in_truth) {
            instance.killed = true;
        }
        self.exit(index, 137, "", at);
    }

    pub(super) fn pass_startup(&mut self, index: usize) {
        let container = &mut self.containers[index];
        if container.activity != Activity::Running {
            return;
        }
        container.passed_startup = true;
        container.ready = !container.has_readiness_probe;
    }

    pub(super) fn set_ready(&mut self, index: usize, ready: bool) {
        let container = &mut self.containers[index];
        container.ready = ready && container.activity == Activity::Running;
    }

    pub(super) fn fail_probe(&mut self, index: usize, cause: StopCause, at: &mut Place<'_>) {
        if self.containers[index].activity == Activity::Running {
            self.begin_stop(index, cause, self.grace, at);
        }
    }

    /// The kubelet's own eviction, which leaves the containers a second.
    pub(super) fn evict(&mut self, at: &mut Place<'_>) {
        self.tell(None, "Evicted", "The node was low on resource: memory. ".to_owned(), at);
        self.stop(StopCause::Eviction, 1, at);
    }

    /// All containers are stopped together.
    pub(super) fn stop(&mut self, cause: StopCause, grace: i64, at: &mut Place<'_>) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some((cause, at.now));
        for index in 0..self.containers.len() {
            if self.containers[index].is_there() {
                self.begin_stop(index, cause, grace, at);
            }
        }
    }
}
