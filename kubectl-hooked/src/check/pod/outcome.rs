//! What such a Pod shows, read from its status: the states of its installer and of its container. Other containers,
//! which a webhook may have added, are passed over.

use hooked_core::names::INSTALLER_CONTAINER;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

use crate::check::template::CONTAINER;

/// Why an image is not there.
const NOT_PULLED: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
/// Why a container that has its image is not started.
const NOT_STARTED: [&str; 3] = ["CreateContainerError", "CreateContainerConfigError", "RunContainerError"];
/// What the runner exits with if it does not know what it is asked for.
const MISUSED: i32 = 125;

/// What the Pod has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The API server has not let it in, in these words.
    Refused(String),
    /// The image of the runner is not there, in the kubelet's words.
    NotPulled(String),
    /// The runner was not run, in the words of the container runtime.
    NotRun(String),
    /// The runner has run on this node.
    Ran { node: String, reach: Reach },
    /// It was not seen in time how it went; this is the last that was seen.
    Late(String),
    /// The user has not waited for it.
    Interrupted,
}

/// Whether the runner has reached the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It has, or had nobody to reach.
    Reached,
    /// It has not, in these words.
    Unreached(String),
    /// It is too old to be asked.
    Untried,
}

/// How far a Pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing is decided; this is what it waits for.
    Going(String),
    Over(Outcome),
}

/// How far the Pod is.
pub(super) fn read(pod: &Pod) -> Seen {
    let status = pod.status.clone().unwrap_or_default();
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
    let named = |list: &Option<Vec<ContainerStatus>>, name: &str| {
        let found = list.iter().flatten().find(|container| container.name == name);
        found.and_then(|container| container.state.clone())
    };
    let mut waits = None;
    if let Some(state) = named(&status.init_container_statuses, INSTALLER_CONTAINER) {
        match of_installer(&state) {
            Some(Seen::Going(words)) => waits = Some(words),
            Some(over) => return over,
            None => {}
        }
    }
    if let Some(state) = named(&status.container_statuses, CONTAINER) {
        match of_container(&state, node) {
            Seen::Going(words) => waits = waits.or(Some(words)),
            over @ Seen::Over(_) => return over,
        }
    }
    let words = |reason: &Option<String>, message: &Option<String>| {
        [reason, message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ")
    };
    // The Pod as a whole has one where it was evicted, has taken too long, or was refused by its node.
    if status.reason.is_some() {
        return Seen::Over(Outcome::Late(words(&status.reason, &status.message)));
    }
    let conditions = status.conditions.iter().flatten();
    let unscheduled =
        conditions.filter(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    let unscheduled = unscheduled.map(|condition| words(&condition.reason, &condition.message)).next();
    Seen::Going(unscheduled.or(waits).unwrap_or_else(|| "no node has reported it yet".to_owned()))
}

/// None of an installer that has done its work.
fn of_installer(state: &ContainerState) -> Option<Seen> {
    let Some(ended) = &state.terminated else { return Some(waiting(state)) };
    let words = ended.message.clone().or(ended.reason.clone()).unwrap_or_default();
    (ended.exit_code != 0).then(|| {
        let words = format!(
            "its init container {INSTALLER_CONTAINER} ended with {}: {}",
            ended.exit_code,
            words.trim()
        );
        Seen::Over(Outcome::NotRun(words))
    })
}

fn of_container(state: &ContainerState, node: String) -> Seen {
    let Some(ended) = &state.terminated else { return waiting(state) };
    let words = ended.message.clone().or(ended.reason.clone()).unwrap_or_default();
    let words = words.trim();
    // The runner's own words begin with its name; those of a runtime that cannot start it do not.
    let spoke = words.contains("hook-runner: ");
    let reach = match ended.exit_code {
        0 => Reach::Reached,
        1 if spoke => Reach::Unreached(words.replace("hook-runner: ", "")),
        MISUSED => Reach::Untried,
        code => return Seen::Over(Outcome::NotRun(format!("its container ended with {code}: {words}"))),
    };
    Seen::Over(Outcome::Ran { node, reach })
}

/// A container that has not ended.
fn waiting(state: &ContainerState) -> Seen {
    let Some(waiting) = &state.waiting else { return Seen::Going("it runs".to_owned()) };
    let reason = waiting.reason.clone().unwrap_or_default();
    let words = waiting.message.clone().filter(|message| !message.is_empty());
    let words = words.map_or_else(|| reason.clone(), |message| format!("{reason}: {message}"));
    if NOT_PULLED.contains(&&*reason) {
        Seen::Over(Outcome::NotPulled(words))
    } else if NOT_STARTED.contains(&&*reason) {
        Seen::Over(Outcome::NotRun(words))
    } else {
        Seen::Going(words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(status: &Value, expect: &Seen) {
        let pod = json!({"spec": {"nodeName": "n1", "containers": []}, "status": status});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        assert_eq!(read(&pod), *expect, "{status}");
    }

    fn container(name: &str, state: &Value) -> Value {
        json!([{"name": "istio-proxy", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}}},
               {"name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state}])
    }

    fn ended(code: i32, message: &str) -> Value {
        let ended = json!({"exitCode": code, "message": message});
        json!({"containerStatuses": container("check", &json!({"terminated": ended}))})
    }

    fn going(words: &str) -> Seen {
        Seen::Going(words.to_owned())
    }

    fn not_run(words: &str) -> Seen {
        Seen::Over(Outcome::NotRun(words.to_owned()))
    }

    fn ran(reach: Reach) -> Seen {
        Seen::Over(Outcome::Ran { node: "n1".to_owned(), reach })
    }

    #[test]
    fn the_runner_has_run_if_it_ended_by_its_own_word() {
        check(&ended(0, ""), &ran(Reach::Reached));
        let unreached = Reach::Unreached("cannot connect: Connection refused (os error 111)".to_owned());
        check(&ended(1, "hook-runner: cannot connect: Connection refused (os error 111)\n"), &ran(unreached));
        check(&ended(125, "hook-runner: usage: …"), &ran(Reach::Untried));
    }

    #[test]
    fn a_runner_that_a_runtime_cannot_start_has_not_run() {
        check(
            &ended(255, "exec /.hooked/runner/hook-runner: exec format error"),
            &not_run("its container ended with 255: exec /.hooked/runner/hook-runner: exec format error"),
        );
        check(&ended(1, "exec format error"), &not_run("its container ended with 1: exec format error"));
        check(
            &ended(128, "runc: exec: \"/.hooked/runner/hook-runner\": permission denied"),
            &not_run(
                "its container ended with 128: runc: exec: \"/.hooked/runner/hook-runner\": permission denied",
            ),
        );
        let waiting = json!({"waiting": {"reason": "CreateContainerError", "message": "no image volumes"}});
        check(
            &json!({"containerStatuses": container("check", &waiting)}),
            &not_run("CreateContainerError: no image volumes"),
        );
    }

    #[test]
    fn an_image_that_is_not_there_is_told_of_the_installer_as_of_the_container() {
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": "401 Unauthorized"}});
        let pulled = Seen::Over(Outcome::NotPulled("ErrImagePull: 401 Unauthorized".to_owned()));
        check(&json!({"containerStatuses": container("check", &waiting)}), &pulled);
        check(&json!({"initContainerStatuses": container("hooked-install", &waiting)}), &pulled);
        let failed =
            json!({"terminated": {"exitCode": 1, "message": "hook-runner: cannot install to /x: Read-only"}});
        check(
            &json!({"initContainerStatuses": container("hooked-install", &failed)}),
            &not_run(
                "its init container hooked-install ended with 1: hook-runner: cannot install to /x: Read-only",
            ),
        );
    }

    #[test]
    fn what_is_not_decided_says_what_it_waits_for() {
        check(&json!({}), &going("no node has reported it yet"));
        let unscheduled = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"});
        check(&json!({"conditions": [unscheduled]}), &going("Unschedulable: no node"));
        let done = json!({"terminated": {"exitCode": 0}});
        check(
            &json!({
                "initContainerStatuses": container("hooked-install", &done),
                "containerStatuses": container("check", &json!({"waiting": {"reason": "Starting"}})),
            }),
            &going("Starting"),
        );
        check(&json!({"containerStatuses": container("check", &json!({"running": {}}))}), &going("it runs"));
        check(
            &json!({"reason": "NodeAffinity", "message": "disk pressure"}),
            &Seen::Over(Outcome::Late("NodeAffinity: disk pressure".to_owned())),
        );
    }
}
