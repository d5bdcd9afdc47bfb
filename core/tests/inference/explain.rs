//! What people are shown of a Pod: what is known now, of every container.

use hooked_core::lifecycle::{
    ContainerKind, ContainerStory, Fact, Fate, ObservedEvent, ObservedPod, PodStory, explain,
};
use hooked_crd::{HookKind, KillReason, Outcome};
use hooked_protocol::RUNNER_PATH;
use serde_json::{Value, json};

use crate::fixtures::{at, both, running, waiting};
use crate::records::{line, with_log};

/// The story of a Pod with that spec and status at `second`.
fn story(spec: &Value, status: &Value, events: &[ObservedEvent], second: i64) -> PodStory {
    let pod =
        json!({"metadata": {"name": "pod", "uid": "u", "generation": 1}, "spec": spec, "status": status});
    let pod: ObservedPod = serde_json::from_value(pod).unwrap();
    explain(&pod, events, at(second))
}

/// The story of the only container, with both hooks.
fn story_of_web(status: &Value, events: &[ObservedEvent], second: i64) -> ContainerStory {
    let spec = json!({"containers": [{"name": "web", "lifecycle": both()}]});
    story(&spec, status, events, second).containers.remove(0)
}

fn event(second: i64, reason: &str, writer: &str) -> ObservedEvent {
    serde_json::from_value(json!({
        "involvedObject": {"uid": "u", "fieldPath": "spec.containers{web}"},
        "reason": reason, "message": "", "firstTimestamp": at(second), "source": {"component": writer},
    }))
    .unwrap()
}

#[test]
fn what_was_seen_just_now_is_explained_without_waiting() {
    let web = story_of_web(&running(0, 1), &[], 2);
    assert_eq!(web.newest_run(HookKind::PostStart).unwrap().outcome, Outcome::Succeeded);
    assert_eq!((web.instances[0].number, web.instances[0].fate), (1, Fate::Running));
}

#[test]
fn an_init_container_is_explained_and_has_no_hooks() {
    let killed = json!({"startedAt": at(1), "finishedAt": at(2), "exitCode": 137, "reason": "OOMKilled"});
    let spec = json!({
        "initContainers": [{"name": "init"}, {"name": "side", "restartPolicy": "Always"}],
        "containers": [{"name": "web"}],
    });
    let status = json!({"initContainerStatuses": [{
        "name": "init", "restartCount": 0, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": killed},
    }]});
    let story = story(&spec, &status, &[], 3);
    let kinds: Vec<ContainerKind> = story.containers.iter().map(|container| container.kind).collect();
    assert_eq!(kinds, [ContainerKind::Init, ContainerKind::Sidecar, ContainerKind::App]);
    let init = &story.containers[0];
    assert!(init.hooks.iter().all(|(_, handler)| handler.is_none()));
    assert_eq!(init.instances[0].settled.kill.as_ref().unwrap().reason, KillReason::OomKilled);
}

#[test]
fn only_what_the_kubelet_wrote_is_taken_for_a_fact() {
    let failed = HookKind::PostStart;
    for (writer, expect) in [("kubelet", true), ("somebody", false)] {
        let events = [event(2, "FailedPostStartHook", writer)];
        let web = story_of_web(&waiting(0, "CrashLoopBackOff", 1, 3, 0, "Completed"), &events, 4);
        let second = at(2).as_second();
        assert_eq!(web.instances[0].facts.contains(&Fact::HookFailed(failed, second)), expect, "{writer}");
    }
}

#[test]
fn a_record_in_a_log_that_no_runner_writes_is_no_fact() {
    for (log, expect) in [(&["--termination-log", "/dev/termination-log"][..], true), (&[], false)] {
        let command = [&[RUNNER_PATH, "run"][..], log, &["--live", "/.hooked/live", "--", "sh"]].concat();
        let hooks = json!({"postStart": {"exec": {"command": command}}});
        let spec = json!({"containers": [{"name": "web", "lifecycle": hooks}]});
        let record = line("PostStart", 1, Some("Failed"), "");
        let status = with_log(waiting(0, "CrashLoopBackOff", 1, 60, 0, "Completed"), &record);
        let web = story(&spec, &status, &[], 61).containers.remove(0);
        let facts = &web.instances[0].facts;
        assert_eq!(facts.iter().any(|fact| matches!(fact, Fact::RecordedEnd { .. })), expect, "{log:?}");
    }
}
