//! What a kubelet writes into a Pod's status.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::container::{Activity, Container, Ended};
use super::event::second;
use super::merge;
use super::pod::LocalPod;
use super::truth::StopCause;
use crate::ApiServer;

impl LocalPod {
    /// Whether the status that the API has is not the one that it should have.
    pub(super) fn has_news(&self) -> bool {
        self.is_stirred && self.shown.as_ref() != Some(&self.status())
    }

    /// Writes the status.
    pub(super) fn report(&mut self, server: &mut ApiServer, now: Timestamp) {
        let Some(object) = self.object(server) else { return };
        let mut status = self.status();
        let shown = status.clone();
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            keep_transition(condition, object, now);
        }
        let path = format!("{}/status", self.path());
        if !merge(server, &path, json!({"metadata": {"uid": self.uid}, "status": status}), now) {
            return;
        }
        self.shown = Some(shown);
        let goes_on = self.stop.is_none();
        for container in self.containers.iter_mut().filter(|one| one.activity == Activity::Ended) {
            container.wait_was_shown |= goes_on && container.shows_wait();
            container.end_was_shown = true;
        }
        self.is_stirred = self.has_news();
    }

    /// The status, but for the times at which its conditions changed.
    fn status(&self) -> Value {
        let phase = self.phase();
        let (sidecars, others): (Vec<_>, Vec<_>) =
            self.containers.iter().partition(|container| container.is_sidecar);
        let statuses = |containers: &[&Container]| -> Value {
            containers.iter().map(|container| self.container_status(container)).collect()
        };
        let mut status = json!({
            "phase": phase,
            "startTime": second(self.accepted),
            "containerStatuses": statuses(&others),
            "conditions": self.conditions(phase),
        });
        let init: Vec<_> = self.init.iter().map(|name| json!({
            "name": name, "ready": true, "started": false, "restartCount": 0, "lastState": {},
            "state": {"terminated": {
                "exitCode": 0, "reason": "Completed", "containerID": format!("containerd://{}-{name}-1", self.uid),
                "startedAt": second(self.accepted), "finishedAt": second(self.accepted),
            }},
        })).collect();
        if !init.is_empty() || !sidecars.is_empty() {
            let sidecars = statuses(&sidecars).as_array().cloned().unwrap_or_default();
            status["initContainerStatuses"] = init.into_iter().chain(sidecars).collect();
        }
        // Only a program that fails when it is stopped leaves the reason in the status.
        if phase == "Failed" && matches!(self.stop, Some((StopCause::Eviction, _))) {
            status["reason"] = "Evicted".into();
            status["message"] = "The node was low on resource: memory. ".into();
        }
        status
    }

    fn phase(&self) -> &'static str {
        let own = || self.containers.iter().filter(|container| !container.is_sidecar);
        if self.is_over() {
            let well = own().all(|container| container.ended.as_ref().is_some_and(|ended| ended.code == 0));
            return if well { "Succeeded" } else { "Failed" };
        }
        let is_new = |container: &Container| match container.activity {
            Activity::None => true,
            Activity::PostStart { .. } => container.instance == 1,
            _ => false,
        };
        if self.containers.iter().any(is_new) { "Pending" } else { "Running" }
    }

    fn container_status(&self, container: &Container) -> Value {
        let (state, last) = self.states(container);
        let runs = container.is_there() && !matches!(container.activity, Activity::PostStart { .. });
        json!({
            "name": container.name,
            "ready": runs && container.ready,
            "started": runs && container.passed_startup,
            "restartCount": container.instance.saturating_sub(1),
            "image": "",
            "imageID": "",
            "state": state,
            "lastState": last,
        })
    }

    fn states(&self, container: &Container) -> (Value, Value) {
        let ended = container.ended.as_ref();
        let show = |ended: Option<&Ended>| {
            ended.map_or_else(|| json!({}), |ended| self.terminated(container, ended))
        };
        match container.activity {
            Activity::None if self.stop.is_some() => (made_up(), json!({})),
            Activity::None => (json!({"waiting": {"reason": self.not_started()}}), json!({})),
            Activity::PostStart { .. } => (json!({"waiting": {"reason": self.not_started()}}), show(ended)),
            Activity::Running | Activity::PreStop { .. } | Activity::Stopping { .. } => {
                (json!({"running": {"startedAt": second(container.started)}}), show(ended))
            }
            // A Pod that is stopped while a container waits shows the same instance twice.
            Activity::Ended if self.stop.is_some() && container.wait_was_shown => (show(ended), show(ended)),
            Activity::Ended if self.stop.is_none() && container.shows_wait() => {
                (self.waiting(container), show(ended))
            }
            Activity::Ended => (show(ended), show(container.ended_before.as_ref())),
        }
    }

    /// Why the next instance of a container is not there yet.
    fn waiting(&self, container: &Container) -> Value {
        let Container { name, post_start_error, .. } = container;
        let error =
            post_start_error.as_ref().filter(|_| !container.end_was_shown || container.back_off() == 0);
        if let Some(error) = error {
            return json!({"waiting": {"reason": "PostStartHookError", "message": error}});
        }
        let (pod, namespace, uid, wait) = (&self.name, &self.namespace, &self.uid, container.back_off());
        let message =
            format!("back-off {wait}s restarting failed container={name} pod={pod}_{namespace}({uid})");
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
    }

    fn not_started(&self) -> &'static str {
        let has_init = !self.init.is_empty() || self.containers.iter().any(|container| container.is_sidecar);
        if has_init { "PodInitializing" } else { "ContainerCreating" }
    }

    fn terminated(&self, container: &Container, ended: &Ended) -> Value {
        let mut terminated = json!({
            "exitCode": ended.code,
            "reason": ended.reason,
            "startedAt": second(ended.started),
            "finishedAt": second(ended.finished),
            "containerID": format!("containerd://{}-{}-{}", self.uid, container.name, ended.instance),
        });
        if !ended.message.is_empty() {
            terminated["message"] = ended.message.as_str().into();
        }
        json!({"terminated": terminated})
    }

    fn conditions(&self, phase: &str) -> Value {
        let unready: Vec<_> = self.containers.iter().filter(|one| !one.is_there() || !one.ready).collect();
        let over = match phase {
            "Succeeded" => Some("PodCompleted"),
            "Failed" => Some("PodFailed"),
            _ => None,
        };
        let ready = || {
            let mut condition = Map::new();
            condition.insert("status".to_owned(), if unready.is_empty() { "True" } else { "False" }.into());
            if let Some(reason) = over.or((!unready.is_empty()).then_some("ContainersNotReady")) {
                condition.insert("reason".to_owned(), reason.into());
            }
            condition
        };
        let sandbox = if over.is_some() { "False" } else { "True" };
        let mut conditions = vec![
            json!({"type": "PodReadyToStartContainers", "status": sandbox}),
            json!({"type": "Initialized", "status": "True"}),
        ];
        for name in ["Ready", "ContainersReady"] {
            let mut condition = ready();
            condition.insert("type".to_owned(), name.into());
            conditions.push(Value::Object(condition));
        }
        if matches!(self.stop, Some((StopCause::Eviction, _))) {
            conditions.push(
                json!({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}),
            );
        }
        Value::Array(conditions)
    }
}

impl Container {
    /// Whether the status shows a wait: at once after a failed postStart, else once the end was shown and there is a
    /// back-off.
    fn shows_wait(&self) -> bool {
        self.is_to_restart()
            && (self.post_start_error.is_some() || (self.end_was_shown && self.back_off() > 0))
    }
}

/// A container that never started and never will: the kubelet makes its end up.
fn made_up() -> Value {
    json!({"terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": null,
        "finishedAt": null,
    }})
}

/// A condition keeps the time of its last change.
fn keep_transition(condition: &mut Value, object: &Value, now: Timestamp) {
    let known = object["status"]["conditions"].as_array().into_iter().flatten();
    let known =
        known.clone().find(|one| one["type"] == condition["type"] && one["status"] == condition["status"]);
    condition["lastTransitionTime"] =
        known.map_or_else(|| second(now), |one| one["lastTransitionTime"].clone());
    // The patch would leave a reason that no longer holds.
    if condition.get("reason").is_none() {
        condition["reason"] = Value::Null;
    }
}
