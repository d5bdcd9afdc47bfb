//! What a kubelet does next about a Pod: its containers start unless their images are nowhere to be had, and end as
//! soon as the Pod is deleted. Init containers end well at once, hooks succeed, probes are nothing to it, and no
//! container ends by itself.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::words;

/// No registry has a name that ends so (RFC 2606).
const NOWHERE: &str = ".invalid/";

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Shows this status, as a strategic merge patch.
    Status(Value),
    /// Nothing runs any more: the Pod may go.
    Remove,
}

/// The next thing to do, or nothing.
pub(super) fn next(pod: &Pod, now: Timestamp) -> Option<Next> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let is_over = matches!(phase, "Succeeded" | "Failed");
    let is_known = !statuses(pod).is_empty();
    // Without a period of grace it is gone but for finalizers, which are not a kubelet's.
    let is_held = pod.metadata.deletion_grace_period_seconds == Some(0);
    match pod.metadata.deletion_timestamp {
        Some(_) if !is_over => Some(Next::Status(ended(pod, now))),
        Some(_) if !is_held => Some(Next::Remove),
        None if !is_over && !is_known => Some(Next::Status(started(pod, now))),
        _ => None,
    }
}

fn statuses(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default()
}

/// The first status of a Pod.
fn started(pod: &Pod, now: Timestamp) -> Value {
    let now = second(now);
    let mut all_run = true;
    let mut shown = Vec::new();
    for container in pod.spec.iter().flat_map(|spec| &spec.containers) {
        let image = container.image.as_deref().unwrap_or_default();
        let runs = !image.contains(NOWHERE);
        all_run &= runs;
        let state = if runs {
            json!({"running": {"startedAt": now}})
        } else {
            json!({"waiting": {"reason": "ErrImagePull", "message": format!("failed to pull {image}")}})
        };
        let id = if runs { id(pod, &container.name) } else { String::new() };
        shown.push(json!({
            "name": container.name, "image": image, "imageID": "", "containerID": id,
            "ready": runs, "started": runs, "restartCount": 0, "state": state,
        }));
    }
    json!({
        "phase": if all_run { "Running" } else { "Pending" },
        "startTime": now,
        "conditions": conditions(all_run, (!all_run).then_some("ContainersNotReady"), &now),
        "initContainerStatuses": prepared(pod, &now),
        "containerStatuses": shown,
    })
}

/// The init containers, which have ended before anything else starts. Sidecars are none of what these nodes run.
fn prepared(pod: &Pod, now: &str) -> Vec<Value> {
    let all = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let shown = all.map(|container| {
        let end = json!({
            "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now,
            "containerID": id(pod, &container.name), "message": words::of_init(container),
        });
        json!({
            "name": container.name, "image": container.image, "imageID": "", "ready": true, "started": false,
            "restartCount": 0, "state": {"terminated": end},
        })
    });
    shown.collect()
}

/// The last status of a Pod: what ran has ended well, and the end of what never ran is made up.
fn ended(pod: &Pod, now: Timestamp) -> Value {
    let (exact, now) = (now, second(now));
    let mut is_well = true;
    let mut shown = Vec::new();
    for container in pod.spec.iter().flat_map(|spec| &spec.containers) {
        let known = statuses(pod).iter().find(|status| status.name == container.name);
        let running = known.and_then(|status| status.state.as_ref()?.running.as_ref());
        is_well &= running.is_some();
        let end = running.map_or_else(
            || json!({"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null, "finishedAt": null}),
            |running| {
                json!({
                    "exitCode": 0, "reason": "Completed", "startedAt": running.started_at, "finishedAt": now,
                    "containerID": id(pod, &container.name),
                    "message": words::of_hooks(pod, container, running, exact),
                })
            },
        );
        shown.push(json!({
            "name": container.name, "image": container.image, "imageID": "", "ready": false, "started": false,
            "restartCount": 0, "state": {"running": null, "waiting": null, "terminated": end},
        }));
    }
    let (phase, reason) = if is_well { ("Succeeded", "PodCompleted") } else { ("Failed", "PodFailed") };
    json!({"phase": phase, "conditions": conditions(false, Some(reason), &now), "containerStatuses": shown})
}

fn conditions(is_ready: bool, reason: Option<&str>, now: &str) -> Value {
    let status = if is_ready { "True" } else { "False" };
    let ready = ["Ready", "ContainersReady"]
        .map(|type_| json!({"type": type_, "status": status, "reason": reason, "lastTransitionTime": now}));
    json!([ready[0], ready[1], {"type": "Initialized", "status": "True", "lastTransitionTime": now}])
}

fn id(pod: &Pod, container: &str) -> String {
    format!("simulated://{}-{container}", pod.uid().unwrap_or_default())
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}
