//! From what was fetched of a Pod to what `why` shows. The verdicts are the operator's own: core makes them.

use std::collections::BTreeMap;

use hooked_core::lifecycle::kubelet::POST_START_ERROR;
use hooked_core::lifecycle::{self, ContainerStatus, Fact, Fate, InstanceStory, ObservedPod, Settled};
use hooked_core::status::describe;
use hooked_crd::{HookRunStatus, KillReason};
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::Value;

use super::evidence::words;
use super::explanation::{ContainerExplanation, Explanation, Instance};
use super::fetch::Found;
use super::reasons::{Facts, advice, exit, why};
use crate::output::hide_output;
use crate::pods::{container_state, observed, state_of};
use crate::render::named;

/// Explains a Pod that is there.
pub(super) fn explain(found: &Found, show_output: bool, now: Timestamp) -> Explanation {
    let Found { pod, whole, events, runs, missing } = found;
    let observed = observed(pod);
    let story = lifecycle::explain(&observed, events, now);
    let case = Case { observed: &observed, whole, runs, show_output };
    let controller = pod.owner_references().iter().find(|owner| owner.controller == Some(true));
    Explanation {
        namespace: pod.namespace().unwrap_or_default(),
        pod: observed.name.clone(),
        present: true,
        state: state_of(&observed),
        node: observed.spec.node_name.clone(),
        owner: controller.map(|owner| format!("{} {}", owner.kind, owner.name)),
        containers: story.containers.iter().map(|container| case.container(container)).collect(),
        notes: notes(&observed, whole).into_iter().chain(missing.iter().cloned()).collect(),
    }
}

/// What the Pod as a whole shows of its end.
fn notes(observed: &ObservedPod, whole: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let conditions = whole["status"]["conditions"].as_array().into_iter().flatten();
    for condition in conditions.filter(|c| c["type"] == "DisruptionTarget" && c["status"] == "True") {
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        notes.push(format!("who asked for its end: {} ({})", text("message"), text("reason")));
    }
    if let (Some(reason), Some(message)) = (&observed.status.reason, whole["status"]["message"].as_str()) {
        notes.push(format!("Pod status: {reason}: {message}"));
    }
    notes
}

/// One Pod, and what its workload remembers of it.
struct Case<'a> {
    observed: &'a ObservedPod,
    whole: &'a Value,
    runs: &'a [HookRunStatus],
    show_output: bool,
}

impl Case<'_> {
    fn container(&self, story: &lifecycle::ContainerStory) -> ContainerExplanation {
        let name = &*story.name;
        let status = self.observed.container_statuses().find(|status| status.name == name);
        let first = story.instances.last().map(|instance| instance.number);
        let instances = story.instances.iter();
        ContainerExplanation {
            name: name.to_owned(),
            state: status.map_or_else(|| "not started".to_owned(), |status| container_state(&status.state)),
            restarts: status.map_or(0, |status| status.restart_count),
            running: self.described(story.running.iter().map(describe)),
            instances: instances.map(|instance| self.instance(name, instance, status)).collect(),
            remembered: self.remembered(name, first),
            kills: Vec::new(),
            earlier: first.and_then(|first| earlier(&story.earlier, first)),
        }
    }

    /// Runs of instances before `first`, which the API no longer knows; all runs if it knows no instance.
    fn remembered(&self, container: &str, first: Option<u32>) -> Vec<HookRunStatus> {
        let first = first.unwrap_or(u32::MAX);
        let before = |run: &&HookRunStatus| i64::from(run.restart_count) + 1 < i64::from(first);
        let runs = self.runs.iter().filter(|run| run.container == container);
        self.described(runs.filter(before).cloned())
    }

    fn described(&self, runs: impl Iterator<Item = HookRunStatus>) -> Vec<HookRunStatus> {
        let mut runs: Vec<HookRunStatus> = runs.collect();
        hide_output(&mut runs, self.show_output);
        runs
    }

    fn instance(&self, container: &str, story: &InstanceStory, status: Option<&ContainerStatus>) -> Instance {
        let InstanceStory { number, fate, settled: Settled { hooks, kill }, facts } = story;
        let killed = kill.as_ref().map(|kill| kill.reason);
        let mut evidence: Vec<String> = facts.iter().map(words).collect();
        if let Some(message) = self.post_start_message(facts, status) {
            evidence.push(format!("what {POST_START_ERROR} says: {message}"));
        }
        Instance {
            number: *number,
            fate: *fate,
            killed,
            why: match killed {
                Some(reason) => why(reason, &self.facts(container, story)),
                None => unkilled(story),
            },
            hooks: self.described(hooks.iter().filter_map(|(_, run)| run.as_ref().map(describe))),
            evidence,
            next: killed.map(advice),
        }
    }

    /// What the words for a kill's reason need to know.
    fn facts(&self, container: &str, story: &InstanceStory) -> Facts {
        Facts {
            grace: story.stop().map(|stop| stop.grace),
            memory_limit: self.memory_limit(container),
            unseen: story.end().is_none_or(|end| end.made_up),
        }
    }

    /// The kubelet's words about a failed postStart hook. The words hold what the hook has printed.
    fn post_start_message(&self, facts: &[Fact], status: Option<&ContainerStatus>) -> Option<String> {
        facts.contains(&Fact::PostStartError).then_some(())?;
        let message = status?.state.waiting.as_ref()?.message.trim().to_owned();
        Some(if self.show_output {
            message
        } else {
            "hidden, since it holds the hook's output; --show-output shows it".to_owned()
        })
    }

    fn memory_limit(&self, container: &str) -> Option<String> {
        let spec = &self.whole["spec"];
        let all =
            ["containers", "initContainers"].into_iter().filter_map(|kind| spec[kind].as_array()).flatten();
        let found = all.into_iter().find(|known| known["name"] == container)?;
        found["resources"]["limits"]["memory"].as_str().map(str::to_owned)
    }
}

/// An instance that was not killed, in words.
fn unkilled(story: &InstanceStory) -> String {
    let code = story.end().map(|end| exit(end.exit_code)).unwrap_or_default();
    match story.fate {
        Fate::Running => "it is running".to_owned(),
        Fate::Stopping => "the kubelet is stopping it: its preStop hook runs, or its program ends".to_owned(),
        Fate::NotStarted => format!("it could not be started ({code}), so none of its hooks ran"),
        Fate::Stopped => format!("it was asked to stop and did so in time, with {code}"),
        Fate::Ended | Fate::Killed => format!("its program ended by itself with {code}"),
    }
}

/// What records of later runs show of the instances before `first`.
fn earlier(settled: &BTreeMap<u32, Settled>, first: u32) -> Option<String> {
    let which = match first {
        0 | 1 => return None,
        2 => "instance 1".to_owned(),
        _ => format!("instances 1 to {}", first - 1),
    };
    let mut reasons: BTreeMap<KillReason, u32> = BTreeMap::new();
    for kill in settled.range(..first).filter_map(|(_, settled)| settled.kill.as_ref()) {
        *reasons.entry(kill.reason).or_default() += 1;
    }
    let recorded: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count} killed for {}", named(reason))).collect();
    Some(match recorded.as_slice() {
        [] => format!("the API no longer knows {which}"),
        recorded => {
            format!("the API no longer knows {which}; records of later runs tell: {}", recorded.join(", "))
        }
    })
}
