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
    /// The runner is in front of the exec hooks, and nothing is known against it. An exec hook of a container that a
    /// webhook has added since, as a service mesh does, may run without.
    InPlace,
    /// The same, and the Pod's init container has brought the runner and tried it out.
    Tried,
    /// An exec hook runs without it, which an operator has not put in.
    Absent,
    /// The runner, which an operator has put in front of exec hooks, cannot run.
    CannotRun(Inability),
}

impl ObservedPod {
    /// How the hook-runner fares in the Pod, as the Pod is seen `now`.
    pub fn runner(&self, now: Timestamp) -> RunnerSight {
        let sidecars = self.spec.init_containers.iter().filter(|container| container.is_sidecar());
        let commands = sidecars.chain(&self.spec.containers).flat_map(exec_hooks);
        let [with, without] = commands.fold([0, 0], |[with, without], command| {
            let is_runner = command.first().is_some_and(|program| program == RUNNER_PATH);
            if is_runner { [with + 1, without] } else { [with, without + 1] }
        });
        let sight = match (with, without) {
            (0, 0) => RunnerSight::NotNeeded,
            (1.., 0) => RunnerSight::InPlace,
            (1.., _) if self.has_our_runner => RunnerSight::InPlace,
            _ => RunnerSight::Absent,
        };
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
    fn a_pod_has_the_runner_if_its_exec_hooks_have() {
        let (plain, by_runner) = (json!(["true"]), json!([RUNNER_PATH, "run", "--", "true"]));
        let web = |hook: &str, command: &Value| json!({"name": "web", "lifecycle": {hook: {"exec": {"command": command}}}});
        check(&json!({"containers": [{"name": "web"}]}), RunnerSight::NotNeeded);
        let native = json!({"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}});
        check(&json!({"containers": [native]}), RunnerSight::NotNeeded);
        check(&json!({"containers": [web("preStop", &by_runner), native]}), RunnerSight::InPlace);
        check(&json!({"containers": [web("preStop", &plain), native]}), RunnerSight::Absent);
        // A webhook that is called after the operator has put the runner in adds a container with a hook of its own.
        let joined = json!({"containers": [web("preStop", &by_runner), web("postStart", &plain)]});
        check(&joined, RunnerSight::InPlace);
        let spec = serde_json::from_value(joined).unwrap();
        let theirs = ObservedPod { has_our_runner: false, spec, ..ObservedPod::numbered("u", 1) };
        assert_eq!(theirs.runner(Timestamp::UNIX_EPOCH), RunnerSight::Absent, "the runner is not ours");
        let mut sidecar = web("preStop", &plain);
        // An init container that is no sidecar runs no hooks.
        check(
            &json!({"initContainers": [sidecar], "containers": [web("preStop", &by_runner)]}),
            RunnerSight::InPlace,
        );
        sidecar["restartPolicy"] = json!("Always");
        check(&json!({"initContainers": [sidecar], "containers": [native]}), RunnerSight::Absent);
    }
}
