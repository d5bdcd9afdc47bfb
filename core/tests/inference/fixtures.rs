//! Fluent descriptions of what a kubelet shows of a Pod with one container, `web`, started at second 1000.

use std::sync::Arc;

use hooked_core::lifecycle::kubelet::{self, KubeletEvent};
use hooked_core::lifecycle::{Finding, Findings, ObservedPod, Patience, PodEvidence, PodMarks, infer};
use hooked_crd::{KillReason, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The second in which every story begins.
pub(crate) const BEGIN: i64 = 1_700_000_000;

/// A point in time, in seconds after the story's beginning.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

/// What was seen of one Pod, in the order in which it was seen.
pub(crate) struct Story {
    spec: Value,
    evidence: PodEvidence,
}

impl Story {
    /// A container with these hooks, such as `{"preStop": {"exec": {}}}`.
    pub(crate) fn with_hooks(lifecycle: &Value) -> Self {
        let spec = json!({"nodeName": "n", "terminationGracePeriodSeconds": 30, "containers": [{"name": "web", "lifecycle": lifecycle}]});
        Self { spec, evidence: PodEvidence::default() }
    }

    /// The container also has a liveness probe.
    pub(crate) fn with_liveness_probe(mut self) -> Self {
        self.spec["containers"][0]["livenessProbe"] = json!({"exec": {}});
        self
    }

    /// The container also has a startup probe.
    pub(crate) fn with_startup_probe(mut self) -> Self {
        self.spec["containers"][0]["startupProbe"] = json!({"exec": {}});
        self
    }

    /// The container also has a probe of that kind, with so many seconds of grace of its own.
    pub(crate) fn with_probe(mut self, kind: &str, grace: Option<i64>) -> Self {
        self.spec["containers"][0][kind] = json!({"exec": {}, "terminationGracePeriodSeconds": grace});
        self
    }

    /// Somebody has changed the Pod's spec.
    pub(crate) fn changed(mut self) -> Self {
        self.evidence.merge(PodEvidence { changed: true, ..PodEvidence::default() });
        self
    }

    /// The Pod's status at `second`.
    pub(crate) fn status(mut self, second: i64, status: &Value) -> Self {
        let report = report(&self.spec, &json!({}), status);
        self.evidence.merge(kubelet::read_pod(&report, at(second)));
        self
    }

    /// The Pod's status at `second` of a Pod whose deletion was asked for at `deleted` with `grace` seconds.
    pub(crate) fn stopping(mut self, second: i64, deleted: i64, grace: i64, status: &Value) -> Self {
        let deletion = json!({"timestamp": at(deleted + grace), "grace": grace});
        let report = report(&self.spec, &deletion, status);
        self.evidence.merge(kubelet::read_pod(&report, at(second)));
        self
    }

    /// An Event about the container.
    pub(crate) fn event(mut self, second: i64, reason: &str, message: &str) -> Self {
        let time = Some(at(second));
        let event =
            KubeletEvent { reason, field_path: "spec.containers{web}", message, first: time, last: time };
        self.evidence.merge(kubelet::read_event(&event).expect("the Event says something"));
        self
    }

    /// An Event about the Pod as a whole.
    pub(crate) fn pod_event(mut self, second: i64, reason: &str) -> Self {
        let time = Some(at(second));
        let event = KubeletEvent { reason, field_path: "", message: "", first: time, last: time };
        self.evidence.merge(kubelet::read_event(&event).expect("the Event says something"));
        self
    }

    /// What a runner has told over the live channel.
    pub(crate) fn live(mut self, line: &str) -> Self {
        for record in hooked_protocol::parse(line) {
            self.evidence.merge(PodEvidence::of_live("web", record));
        }
        self
    }

    /// What is concluded at `second` when nothing is counted yet.
    pub(crate) fn conclude(&self, second: i64) -> Conclusion {
        Conclusion::of(&infer(&self.evidence, &PodMarks::default(), Patience::Settle, at(second)))
    }

    /// What is concluded at `second` beyond what is counted, in full.
    pub(crate) fn findings_after(&self, counted: &PodMarks, second: i64) -> Findings {
        infer(&self.evidence, counted, Patience::Settle, at(second))
    }

    /// What is concluded at `second`, in full.
    pub(crate) fn findings(&self, second: i64) -> Findings {
        infer(&self.evidence, &PodMarks::default(), Patience::Settle, at(second))
    }
}

/// What the status of a Pod with these hooks says at `second`.
pub(crate) fn shown(second: i64, lifecycle: &Value, deletion: &Value, status: &Value) -> PodEvidence {
    kubelet::read_pod(&report(&Story::with_hooks(lifecycle).spec, deletion, status), at(second))
}

fn report(spec: &Value, deletion: &Value, status: &Value) -> ObservedPod {
    ObservedPod {
        name: "pod".to_owned(),
        uid: "uid".to_owned(),
        version: "1".to_owned(),
        owner_uid: "owner".to_owned(),
        is_named: true,
        labels: std::collections::BTreeMap::new(),
        revision: "rev".to_owned(),
        number: 1,
        generation: Some(1 + i64::from(deletion["timestamp"].is_string())),
        created: None,
        deletion_cost: 0,
        deletion_timestamp: serde_json::from_value(deletion["timestamp"].clone()).unwrap(),
        deletion_grace_seconds: deletion["grace"].as_i64(),
        has_finalizer: true,
        has_our_runner: true,
        live: None,
        spec: serde_json::from_value(spec.clone()).unwrap(),
        status: serde_json::from_value(status.clone()).unwrap(),
    }
}

/// Outcomes in the order of the container's instances, and kills.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) post_start: Vec<Outcome>,
    pub(crate) pre_stop: Vec<Outcome>,
    pub(crate) kills: Vec<KillReason>,
    pub(crate) running: usize,
}

impl Conclusion {
    fn of(findings: &Findings) -> Self {
        let mut conclusion = Self { running: findings.running.len(), ..Self::default() };
        for finding in &findings.settled {
            match finding {
                Finding::PostStart { run, .. } => conclusion.post_start.push(run.outcome),
                Finding::End { pre_stop, kill, .. } => {
                    conclusion.pre_stop.extend(pre_stop.as_ref().map(|run| run.outcome));
                    conclusion.kills.extend(kill.as_ref().map(|kill| kill.reason));
                }
                Finding::Lost { .. } | Finding::Anew { .. } => {}
            }
        }
        conclusion
    }
}

/// A container that runs since `started`.
pub(crate) fn running(restarts: u32, started: i64) -> Value {
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "restartCount": restarts, "state": {"running": {"startedAt": at(started)}}},
    ]})
}

/// A container that ended for good.
pub(crate) fn ended(started: i64, finished: i64, exit_code: i32, reason: &str) -> Value {
    let phase = if exit_code == 0 { "Succeeded" } else { "Failed" };
    json!({"phase": phase, "containerStatuses": [
        {"name": "web", "restartCount": 0, "state": {"terminated": terminated(started, finished, exit_code, reason)}},
    ]})
}

/// A container that ended and waits to be started again.
pub(crate) fn waiting(
    restarts: u32,
    why: &str,
    started: i64,
    finished: i64,
    exit_code: i32,
    reason: &str,
) -> Value {
    let message = "Exec lifecycle hook ([sh]) failed - error: command 'sh' exited with 3: , message: \"boo\"";
    json!({"phase": "Running", "containerStatuses": [{
        "name": "web", "restartCount": restarts,
        "state": {"waiting": {"reason": why, "message": message}},
        "lastState": {"terminated": terminated(started, finished, exit_code, reason)},
    }]})
}

fn terminated(started: i64, finished: i64, exit_code: i32, reason: &str) -> Value {
    json!({"startedAt": at(started), "finishedAt": at(finished), "exitCode": exit_code, "reason": reason})
}

/// The name of the container of every story.
pub(crate) fn web() -> Arc<str> {
    "web".into()
}

/// An exec handler of that hook.
pub(crate) fn exec(hook: &str) -> Value {
    json!({hook: {"exec": {"command": ["sh"]}}})
}

/// Exec handlers of both hooks.
pub(crate) fn both() -> Value {
    json!({"postStart": {"exec": {}}, "preStop": {"exec": {}}})
}
