//! One call for whoever shows a Pod to people: the verdicts are the operator's own, by the same rules on the
//! same evidence, and nothing is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooked_crd::HookKind;
use jiff::Timestamp;

use super::event::ObservedEvent;
use super::evidence::{ContainerEvidence, PodEvidence};
use super::infer::{Patience, bind, infer};
use super::kubelet;
use super::mark::{Mark, PodMarks};
use super::pod::{Container, ObservedPod};
use super::rules::View;
use super::run::{Finding, Findings};
use super::shape::PodShape;
use super::story::{ContainerKind, ContainerStory, Fact, Fate, InstanceStory, PodStory, Settled};

/// What `pod` and `events` about it show at `now`.
pub fn explain(pod: &ObservedPod, events: &[ObservedEvent], now: Timestamp) -> PodStory {
    let shape = PodShape::with_init_containers(&pod.spec);
    let mut evidence = kubelet::read_shaped_pod(pod, shape, now);
    for facts in events.iter().filter_map(ObservedEvent::evidence) {
        evidence.merge(facts);
    }
    let findings = infer(&evidence, &PodMarks::default(), Patience::Now, now);
    let init = pod.spec.init_containers.iter();
    let init = init.map(|c| (c, if c.is_sidecar() { ContainerKind::Sidecar } else { ContainerKind::Init }));
    let app = pod.spec.containers.iter().map(|c| (c, ContainerKind::App));
    let containers =
        init.chain(app).map(|(container, kind)| container_story(container, kind, &evidence, &findings));
    PodStory { containers: containers.collect() }
}

fn container_story(
    container: &Container,
    kind: ContainerKind,
    evidence: &PodEvidence,
    findings: &Findings,
) -> ContainerStory {
    let name: Arc<str> = Arc::from(container.name.as_str());
    let shape = evidence.shape.containers.get(&name).cloned().unwrap_or_default();
    let mut settled = settled(&name, &findings.settled);
    let unobserved = ContainerEvidence::default();
    let known = evidence.containers.get(&name).unwrap_or(&unobserved);
    let known = bind(known, &name, &shape, evidence.stop.is_some()).container;
    let views = known.instances.iter().rev().filter_map(|(number, instance)| {
        View::of(evidence, &name, &known, (*number, instance), Mark::default())
    });
    let instances =
        views.map(|view| instance_story(&view, settled.remove(&view.number).unwrap_or_default())).collect();
    ContainerStory {
        kind,
        hooks: shape.hooks.map(|_, hook| hook.map(|hook| hook.handler)),
        running: findings.running.iter().find(|run| run.id.container == name).cloned(),
        instances,
        earlier: settled,
        name,
    }
}

/// What is settled of a container's instances, by their numbers.
fn settled(name: &Arc<str>, findings: &[Finding]) -> BTreeMap<u32, Settled> {
    let mut settled: BTreeMap<u32, Settled> = BTreeMap::new();
    for finding in findings {
        match finding {
            Finding::PostStart { container, instance, run } if container == name => {
                settled.entry(*instance).or_default().hooks.post_start = Some(run.clone());
            }
            Finding::End { container, instance, pre_stop, kill, .. } if container == name => {
                let settled = settled.entry(*instance).or_default();
                settled.hooks.pre_stop.clone_from(pre_stop);
                settled.kill.clone_from(kill);
            }
            _ => {}
        }
    }
    settled
}

fn instance_story(view: &View<'_>, settled: Settled) -> InstanceStory {
    let fate = if settled.kill.is_some() { Fate::Killed } else { unkilled(view) };
    InstanceStory { number: view.number, fate, settled, facts: facts(view) }
}

/// How an instance stands that was not killed.
fn unkilled(view: &View<'_>) -> Fate {
    let stopping = view.killing().is_some() || view.stopped_by().is_some();
    match view.instance.end {
        None if stopping => Fate::Stopping,
        None => Fate::Running,
        Some(end) if end.unstarted => Fate::NotStarted,
        Some(_) if stopping => Fate::Stopped,
        Some(_) => Fate::Ended,
    }
}

/// Everything that is known of the end of an instance, the strongest source first.
fn facts(view: &View<'_>) -> Vec<Fact> {
    let failed = |hook, second: Option<i64>| second.map(|second| Fact::HookFailed(hook, second));
    let facts = [
        recorded(view, HookKind::PostStart),
        recorded(view, HookKind::PreStop),
        view.instance.end.map(Fact::Ended),
        view.instance.post_start_error.map(|_| Fact::PostStartError),
        view.pod.evicted_at.filter(|_| view.evicted()).map(Fact::Evicted),
        failed(HookKind::PostStart, view.post_start_failed_at()),
        view.killing().map(|(second, cause)| Fact::Killing(second, cause)),
        failed(HookKind::PreStop, view.pre_stop_failed_at()),
        view.stopped_by().map(Fact::Deleted),
    ];
    facts.into_iter().flatten().collect()
}

fn recorded(view: &View<'_>, hook: HookKind) -> Option<Fact> {
    let record = view.record(hook)?;
    Some(match &record.ending {
        Some(ending) => Fact::RecordedEnd { hook, outcome: ending.outcome.into(), attempts: ending.attempts },
        None => Fact::RecordedBeginning(hook),
    })
}
