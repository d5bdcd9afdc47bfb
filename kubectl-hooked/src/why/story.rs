//! From a Pod and its Events to what became of its containers. The verdicts are the operator's own: the same rules, on
//! the same evidence.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hooked_core::accounting::ledger::{Mark, PodMarks};
use hooked_core::lifecycle::evidence::PodEvidence;
use hooked_core::lifecycle::infer::{SETTLEMENT, infer};
use hooked_core::lifecycle::rules::View;
use hooked_core::lifecycle::{ContainerStatus, ObservedPod};
use hooked_core::lifecycle::{Finding, Findings, HookRun, Kill, kubelet};
use hooked_core::status::describe;
use hooked_crd::{HookRunStatus, KillReason};
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;

use super::evidence::evidence;
use super::explanation::{ContainerStory, Explanation, Fate, Instance};
use super::fetch::Found;
use super::reasons::{Facts, advice, exit, why};
use crate::output::hide_output;
use crate::pods::{container_state, report, state_of};
use crate::render::named;

/// Explains a Pod that is there.
pub(super) fn explain(found: &Found, show_output: bool, now: Timestamp) -> Explanation {
    let Found { pod, whole, events, runs, missing } = found;
    let mut report = report(pod);
    // An init container has no hooks, and dies of the same causes: it is judged as a sidecar is.
    for container in &mut report.spec.init_containers {
        container.restart_policy = Some("Always".to_owned());
    }
    // Nothing is counted here, so there is no reason to wait for later evidence.
    let seen = now - Duration::from_secs(SETTLEMENT.unsigned_abs().as_secs());
    let mut evidence = kubelet::read_pod(&report, seen);
    for event in events {
        evidence.merge(event.clone());
    }
    let findings = infer(&evidence, &PodMarks::default(), now);
    let case = Case { report: &report, whole, evidence: &evidence, findings: &findings, runs, show_output };
    let containers = report.spec.init_containers.iter().chain(&report.spec.containers);
    let controller = pod.owner_references().iter().find(|owner| owner.controller == Some(true));
    Explanation {
        namespace: pod.namespace().unwrap_or_default(),
        pod: report.name.clone(),
        present: true,
        state: state_of(&report),
        node: report.spec.node_name.clone(),
        owner: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
        containers: containers.map(|container| case.container(&container.name)).collect(),
        notes: notes(&report, whole).into_iter().chain(missing.iter().cloned()).collect(),
    }
}

/// What the Pod as a whole tells about its end.
fn notes(report: &ObservedPod, whole: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let conditions = whole["status"]["conditions"].as_array().into_iter().flatten();
    for condition in conditions.filter(|c| c["type"] == "DisruptionTarget" && c["status"] == "True") {
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        notes.push(format!("who asked for its end: {} ({})", text("message"), text("reason")));
    }
    if let (Some(reason), Some(message)) = (&report.status.reason, whole["status"]["message"].as_str()) {
        notes.push(format!("Pod status: {reason}: {message}"));
    }
    notes
}

/// One Pod and what is inferred of it.
struct Case<'a> {
    report: &'a ObservedPod,
    whole: &'a Value,
    evidence: &'a PodEvidence,
    findings: &'a Findings,
    runs: &'a [HookRunStatus],
    show_output: bool,
}

impl Case<'_> {
    fn container(&self, name: &str) -> ContainerStory {
        let status = self.report.container_statuses().find(|status| status.name == name);
        let key: Arc<str> = Arc::from(name);
        let known = self.evidence.containers.get(&key);
        let first =
            known.and_then(|container| container.instances.keys().next().copied()).unwrap_or(u32::MAX);
        let instances =
            known.into_iter().flat_map(|known| known.instances.iter().map(move |instance| (known, instance)));
        let views = instances.rev().filter_map(|(container, (number, instance))| {
            View::of(self.evidence, &key, container, (*number, instance), Mark::default())
        });
        let running = self.findings.running.iter().filter(|run| *run.id.container == *name);
        ContainerStory {
            name: name.to_owned(),
            state: status.map_or_else(|| "not started".to_owned(), |status| container_state(&status.state)),
            restarts: status.map_or(0, |status| status.restart_count),
            running: running.map(|run| self.described(run)).collect(),
            instances: views.map(|view| self.instance(&view, status)).collect(),
            remembered: self.remembered(name, first),
            kills: Vec::new(),
            earlier: earlier(&self.findings.settled, name, first),
        }
    }

    /// Runs of instances before `first`, which the API no longer knows.
    fn remembered(&self, container: &str, first: u32) -> Vec<HookRunStatus> {
        let before = |run: &&HookRunStatus| i64::from(run.restart_count) + 1 < i64::from(first);
        let runs = self.runs.iter().filter(|run| run.container == container).filter(before).cloned();
        let mut runs: Vec<HookRunStatus> = runs.collect();
        hide_output(&mut runs, self.show_output);
        runs
    }

    fn described(&self, run: &HookRun) -> HookRunStatus {
        let mut run = describe(run);
        hide_output([&mut run], self.show_output);
        run
    }

    fn instance(&self, view: &View<'_>, status: Option<&ContainerStatus>) -> Instance {
        let settled = self.settled(view);
        let facts = Facts {
            grace: view.stopped_by().map(|stop| stop.grace),
            memory_limit: self.memory_limit(view.name),
            unseen: view.instance.end.is_none_or(|end| end.made_up),
        };
        let killed = settled.kill.map(|kill| kill.reason);
        let (fate, words) = match killed {
            Some(reason) => (Fate::Killed, why(reason, &facts)),
            None => unkilled(view),
        };
        let mut evidence = evidence(view);
        if let Some(message) = self.post_start_message(view, status) {
            evidence.push(format!("what PostStartHookError says: {message}"));
        }
        let hooks = [settled.post_start, settled.pre_stop].into_iter().flatten();
        Instance {
            number: view.number,
            fate,
            killed,
            why: words,
            hooks: hooks.map(|run| self.described(run)).collect(),
            evidence,
            next: killed.map(advice),
        }
    }

    /// The kubelet's words about a failed postStart. They hold what the hook has printed.
    fn post_start_message(&self, view: &View<'_>, status: Option<&ContainerStatus>) -> Option<String> {
        view.instance.post_start_error.as_ref()?;
        let message = status?.state.waiting.as_ref()?.message.trim().to_owned();
        if self.show_output {
            Some(message)
        } else {
            Some("hidden, since it holds the hook's output; --show-output shows it".to_owned())
        }
    }

    fn settled(&self, view: &View<'_>) -> Settled<'_> {
        let mut settled = Settled::default();
        for finding in &self.findings.settled {
            match finding {
                Finding::PostStart { container, instance, run }
                    if container == view.name && *instance == view.number =>
                {
                    settled.post_start = Some(run);
                }
                Finding::End { container, instance, pre_stop, kill, .. }
                    if container == view.name && *instance == view.number =>
                {
                    (settled.pre_stop, settled.kill) = (pre_stop.as_ref(), kill.as_ref());
                }
                _ => {}
            }
        }
        settled
    }

    fn memory_limit(&self, container: &str) -> Option<String> {
        let spec = &self.whole["spec"];
        let all =
            ["containers", "initContainers"].into_iter().filter_map(|kind| spec[kind].as_array()).flatten();
        let found = all.into_iter().find(|known| known["name"] == container)?;
        found["resources"]["limits"]["memory"].as_str().map(str::to_owned)
    }
}

/// What is inferred of one instance.
#[derive(Default)]
struct Settled<'a> {
    post_start: Option<&'a HookRun>,
    pre_stop: Option<&'a HookRun>,
    kill: Option<&'a Kill>,
}

/// An instance that was not killed.
fn unkilled(view: &View<'_>) -> (Fate, String) {
    let stopping = view.killing().is_some() || view.stopped_by().is_some();
    let Some(end) = view.instance.end else {
        return if stopping {
            (
                Fate::Stopping,
                "the kubelet is stopping it: its preStop hook runs, or its program ends".to_owned(),
            )
        } else {
            (Fate::Running, "it is running".to_owned())
        };
    };
    let code = exit(end.exit_code);
    if end.unstarted {
        (Fate::NotStarted, format!("it could not be started ({code}), so none of its hooks ran"))
    } else if stopping {
        (Fate::Stopped, format!("it was asked to stop and did so in time, with {code}"))
    } else {
        (Fate::Ended, format!("its program ended by itself with {code}"))
    }
}

/// What is told of the instances before `first` by records of later ones.
fn earlier(settled: &[Finding], name: &str, first: u32) -> Option<String> {
    if !(2..u32::MAX).contains(&first) {
        return None;
    }
    let mut reasons: BTreeMap<KillReason, u32> = BTreeMap::new();
    for finding in settled {
        if let Finding::End { container, instance, kill: Some(kill), .. } = finding
            && **container == *name
            && *instance < first
        {
            *reasons.entry(kill.reason).or_default() += 1;
        }
    }
    let which = if first == 2 { "instance 1".to_owned() } else { format!("instances 1 to {}", first - 1) };
    let recorded: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count} killed for {}", named(reason))).collect();
    Some(match recorded.as_slice() {
        [] => format!("the API no longer knows {which}"),
        recorded => {
            format!("the API no longer knows {which}; records of later runs tell: {}", recorded.join(", "))
        }
    })
}
