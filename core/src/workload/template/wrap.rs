//! The runner in front of the exec hooks of one container.

use hooked_crd::{FailurePolicy, HookKind, HookPolicy};
use hooked_protocol::{DEFAULT_LOG, Invocation};
use serde_json::{Value, json};

use super::channel;
use super::hooked::{field, for_each_hooked};
use super::json::{append, text};
use crate::names::{mount, volume};

/// What the kubelet reads of the termination logs of all containers of a Pod together, in bytes
/// (`pkg/kubelet/status/status_manager.go`), and of one of them (`kuberuntime_container.go`).
const ALL_LOGS: usize = 12_288;
const ONE_LOG: usize = 4096;

/// What the runners of all containers of a Pod are told alike.
pub(super) struct Wrapping<'a> {
    policies: &'a [HookPolicy],
    /// Bytes of each container's termination log that are sure to be read.
    budget: usize,
    /// Whether the runners reach the operator while their hooks run.
    live: bool,
}

impl<'a> Wrapping<'a> {
    /// For a Pod of so many containers.
    pub(super) fn of(containers: usize, policies: &'a [HookPolicy], live: bool) -> Self {
        Self { policies, budget: budget(containers), live }
    }

    /// Puts the runner in front of these hooks of the container.
    pub(super) fn wrap(&self, container: &mut Value, hooks: &[HookKind]) {
        for hook in hooks {
            // Both hooks of a container share its log, and preStop writes last: it must find room.
            let shared = hooks.len() > 1 && *hook == HookKind::PostStart;
            let budget = if shared { self.budget / 2 } else { self.budget };
            let invocation = self.invocation(container, *hook, budget);
            // The user's own words follow as they were written: if one is no text, the API server refuses it.
            let words = invocation.to_command().into_iter().map(|word| json!(word.to_string_lossy()));
            let command = &mut container["lifecycle"][field(*hook)]["exec"]["command"];
            *command = words.chain(command.as_array().into_iter().flatten().cloned()).collect();
        }
        let mounts = [
            json!({"name": volume::RUNNER, "mountPath": mount::RUNNER, "readOnly": true}),
            // All containers share it: that the Pod's hooks are cancelled is marked there for those that would start
            // later.
            json!({"name": volume::RECORDS, "mountPath": mount::RECORDS}),
        ];
        append(&mut container["volumeMounts"], mounts.into_iter().chain(self.live.then(channel::mount)));
    }

    /// How the runner is called for a hook, without the hook's own command.
    fn invocation(&self, container: &Value, hook: HookKind, budget: usize) -> Invocation {
        let name = text(&container["name"]);
        let policy = policy(self.policies, &name, hook);
        let number = |field: fn(&HookPolicy) -> Option<i32>| policy.and_then(field)?.try_into().ok();
        let log = termination_log(container);
        Invocation {
            record_dir: Some(mount::RECORDS.into()),
            termination_log: log.map(Into::into),
            budget: log.map(|_| budget),
            timeout: number(|policy| policy.timeout_seconds),
            retries: number(|policy| policy.retries),
            retry_delay: number(|policy| policy.retry_delay_seconds),
            ignore_failure: policy.is_some_and(|policy| policy.failure_policy == Some(FailurePolicy::Ignore)),
            output_bytes: policy.and_then(|policy| policy.output_bytes?.try_into().ok()),
            live: self.live.then(|| mount::LIVE.into()),
            ..Invocation::new(name, hook, Vec::new())
        }
    }
}

/// Bytes of a container's termination log that are sure to be read: each of all containers gets the same share.
fn budget(containers: usize) -> usize {
    // Two to spare: each `kubectl debug` adds a container that takes its share too.
    (ALL_LOGS / (containers + 2)).min(ONE_LOG)
}

/// The termination log that the runner may write to. An empty path is none, as for the API server.
fn termination_log(container: &Value) -> Option<&str> {
    // Any byte in the log would keep the kubelet from falling back to the container's output.
    let is_ours = container["terminationMessagePolicy"] != "FallbackToLogsOnError";
    let path = container["terminationMessagePath"].as_str().filter(|path| !path.is_empty());
    is_ours.then(|| path.unwrap_or(DEFAULT_LOG))
}

/// The names of the containers with exec hooks whose termination log is not the runner's to write.
pub(crate) fn without_log(spec: &Value) -> Vec<String> {
    let mut without = Vec::new();
    for_each_hooked(&mut spec.clone(), |container, _| {
        without.extend(termination_log(container).is_none().then(|| text(&container["name"])));
    });
    without
}

/// The policy of a hook: the first that matches.
pub(crate) fn policy<'a>(
    policies: &'a [HookPolicy],
    container: &str,
    hook: HookKind,
) -> Option<&'a HookPolicy> {
    policies.iter().find(|policy| {
        policy.container.as_deref().is_none_or(|name| name == container)
            && policy.hook.is_none_or(|kind| kind == hook)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command of the preStop `sleep 5` of a container like this, under the runner.
    fn command(container: &Value, policies: &[HookPolicy], live: bool) -> String {
        let mut container = container.clone();
        container["name"] = json!("web");
        container["lifecycle"]["preStop"]["exec"]["command"] = json!(["sleep", "5"]);
        let wrapping = Wrapping { policies, budget: 1536, live };
        wrapping.wrap(&mut container, &[HookKind::PreStop]);
        let words = container["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    /// Everything that a hook can be given, and all of it in one place.
    #[test]
    fn the_runner_is_called_by_these_words() {
        let policy = HookPolicy {
            container: None,
            hook: None,
            timeout_seconds: Some(30),
            retries: Some(0),
            retry_delay_seconds: Some(2),
            failure_policy: Some(FailurePolicy::Ignore),
            output_bytes: Some(512),
        };
        assert_eq!(
            command(&json!({}), &[policy], true),
            "/.hooked/runner/hook-runner \
             PreStop=web,records,log,budget=1536,timeout=30,retries=0,delay=2,output=512,ignore,live sleep 5"
        );
    }

    #[test]
    fn the_log_is_the_containers_own_and_an_empty_path_is_the_default() {
        fn check(container: &Value, expect: Option<&str>) {
            let words = command(container, &[], false);
            let item = expect.map(|log| format!(",{log},budget=1536 "));
            assert!(item.as_ref().is_none_or(|item| words.contains(item)), "{container}: {words}");
            assert_eq!(item.is_some(), words.contains(",log"), "{container}: {words}");
        }
        check(&json!({}), Some("log"));
        check(&json!({"terminationMessagePath": ""}), Some("log"));
        check(&json!({"terminationMessagePath": null}), Some("log"));
        check(&json!({"terminationMessagePath": "/tmp/log"}), Some("log=/tmp/log"));
        check(&json!({"terminationMessagePolicy": "File"}), Some("log"));
        check(&json!({"terminationMessagePolicy": "FallbackToLogsOnError"}), None);
    }

    #[test]
    fn the_first_policy_that_matches_is_passed_on() {
        let policies = [
            HookPolicy { container: Some("other".to_owned()), retries: Some(9), ..HookPolicy::default() },
            HookPolicy { hook: Some(HookKind::PostStart), retries: Some(8), ..HookPolicy::default() },
            HookPolicy { timeout_seconds: Some(3), ..HookPolicy::default() },
            HookPolicy { timeout_seconds: Some(4), ..HookPolicy::default() },
        ];
        let words = command(&json!({}), &policies, false);
        assert!(words.contains(",timeout=3 ") && !words.contains("retries"), "{words}");
    }

    #[test]
    fn both_hooks_of_a_container_find_room_in_its_log() {
        let exec = json!({"exec": {"command": ["true"]}});
        let mut container = json!({"name": "web", "lifecycle": {"postStart": exec, "preStop": exec}});
        let wrapping = Wrapping { policies: &[], budget: 1000, live: false };
        wrapping.wrap(&mut container, &[HookKind::PostStart, HookKind::PreStop]);
        let asked = |hook: &str| container["lifecycle"][hook]["exec"]["command"][1].clone();
        assert_eq!(asked("postStart"), "PostStart=web,records,log,budget=500");
        assert_eq!(asked("preStop"), "PreStop=web,records,log,budget=1000");
    }
}
