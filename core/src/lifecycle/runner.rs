//! How the hook-runner fares in a Pod.

use hooked_protocol::RUNNER_PATH;
use jiff::Timestamp;

use super::inability::Inability;
use super::kubelet;
use super::pod::{Container, ObservedPod};

/// How the hook-runner fares in a Pod, as the Pod's spec and status show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunnerSight {
    /// The Pod has no exec hook that the runner could run.
    #[default]
    NotNeeded,
    /// The runner is in front of every exec hook, and nothing is known against it.
    InPlace,
    /// The runner is in front of every exec hook, and the Pod's init container has brought it and tried it out.
    Tried,
    /// An exec hook runs without it.
    Absent,
    /// The runner, which an operator has put in front of every exec hook, cannot run.
    CannotRun(Inability),
}

impl ObservedPod {
    /// How the hook-runner fares in the Pod, as the Pod is seen `now`.
    pub fn runner(&self, now: Timestamp) -> RunnerSight {
        let sidecars = self.spec.init_containers.iter().filter(|container| container.is_sidecar());
        let commands = sidecars.chain(&self.spec.containers).flat_map(exec_hooks);
        let sight = commands.fold(RunnerSight::NotNeeded, |sight, command| {
            let is_runner = command.first().is_some_and(|program| program == RUNNER_PATH);
            sight.max(if is_runner { RunnerSight::InPlace } else { RunnerSight::Absent })
        });
        match (sight, kubelet::inability(self, now)) {
            (RunnerSight::InPlace, Some(inability)) if self.has_our_runner => {
                RunnerSight::CannotRun(inability)
            }
            (RunnerSight::InPlace, None) if kubelet::has_installed(self) => RunnerSight::Tried,
            _ => sight,
        }
    }
}

/// The commands of a container's exec hooks.
fn exec_hooks(container: &Container) -> impl Iterator<Item = &[String]> {
    let lifecycle = container.lifecycle.as_ref();
    let hooks = lifecycle.map(|lifecycle| [&lifecycle.post_start, &lifecycle.pre_stop]);
    hooks.into_iter().flatten().filter_map(|handler| Some(&*handler.as_ref()?.exec.as_ref()?.command))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(spec: &Value, expect: RunnerSight) {
        let spec_ = serde_json::from_value(spec.clone()).unwrap();
        let pod = ObservedPod { spec: spec_, ..ObservedPod::numbered("u", 1) };
        assert_eq!(pod.runner(Timestamp::UNIX_EPOCH), expect, "{spec}");
    }

    #[test]
    fn of_a_runner_that_others_have_put_into_their_pod_nothing_is_concluded() {
        fn check(has_our_runner: bool, expect: RunnerSight) {
            let hook = json!({"preStop": {"exec": {"command": [RUNNER_PATH, "run", "--", "true"]}}});
            let spec = json!({"containers": [{"name": "web", "lifecycle": hook}]});
            let waiting = json!({"waiting": {"reason": "ErrImageNeverPull"}});
            let status = json!({"initContainerStatuses": [{"name": "hooked-install", "state": waiting}]});
            let pod = ObservedPod {
                has_our_runner,
                spec: serde_json::from_value(spec).unwrap(),
                status: serde_json::from_value(status).unwrap(),
                ..ObservedPod::numbered("u", 1)
            };
            assert_eq!(pod.runner(Timestamp::UNIX_EPOCH), expect);
        }
        check(true, RunnerSight::CannotRun(Inability::NotPulled));
        check(false, RunnerSight::InPlace);
    }

    #[test]
    fn a_pod_has_the_runner_if_each_of_its_exec_hooks_has() {
        let (plain, by_runner) = (json!(["true"]), json!([RUNNER_PATH, "run", "--", "true"]));
        let web = |hook: &str, command: &Value| json!({"name": "web", "lifecycle": {hook: {"exec": {"command": command}}}});
        check(&json!({"containers": [{"name": "web"}]}), RunnerSight::NotNeeded);
        let native = json!({"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}});
        check(&json!({"containers": [native]}), RunnerSight::NotNeeded);
        check(&json!({"containers": [web("preStop", &by_runner), native]}), RunnerSight::InPlace);
        check(
            &json!({"containers": [web("preStop", &by_runner), web("postStart", &plain)]}),
            RunnerSight::Absent,
        );
        let mut sidecar = web("preStop", &plain);
        // An init container that is no sidecar runs no hooks.
        check(
            &json!({"initContainers": [sidecar], "containers": [web("preStop", &by_runner)]}),
            RunnerSight::InPlace,
        );
        sidecar["restartPolicy"] = json!("Always");
        check(
            &json!({"initContainers": [sidecar], "containers": [web("preStop", &by_runner)]}),
            RunnerSight::Absent,
        );
    }
}
