//! Putting the hook-runner in front of exec hooks: in the Pod only, never in what the user wrote.
//!
//! The runner comes in by an image volume, or by an init container that copies it into an emptyDir. It is told
//! everything by arguments, so that the hook sees exactly the environment it would have had. httpGet, sleep and
//! tcpSocket handlers stay native.

use hooked_crd::{FailurePolicy, HookKind, HookPolicy};
use hooked_protocol::{IGNORE_FAILURE, LIVE, RUNNER_PATH, TERMINATION_LOG};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::json::append;
use super::{channel, evict};
use crate::lifecycle::LiveEndpoint;
use crate::names;

const RUNNER_MOUNT: &str = "/.hooked/runner";
const RECORDS_MOUNT: &str = "/.hooked/records";
const RUNNER_VOLUME: &str = "hooked-runner";
const RECORDS_VOLUME: &str = "hooked-records";
const INSTALLER: &str = "hooked-install";
/// What the kubelet reads of the termination logs of all containers of a Pod together, in bytes
/// (`pkg/kubelet/status/status_manager.go`), and of one of them (`kuberuntime_container.go`).
const ALL_LOGS: usize = 12_288;
const ONE_LOG: usize = 4096;

/// The runner, and how it gets into a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The image that holds the program `/hook-runner`.
    pub image: String,
    /// How it gets into a Pod.
    pub delivery: Delivery,
    /// Where it reaches the operator while a hook runs; none if it does not.
    pub live: Option<LiveEndpoint>,
}

/// How the runner gets into a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By an image volume: on by default from Kubernetes 1.35, allowed under restricted Pod Security.
    ImageVolume,
    /// By an init container that copies it into an emptyDir.
    InitContainer,
}

/// Why the runner cannot be put into Pods of a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InjectError {
    /// The user has taken a name that we need.
    #[error("spec.template.spec has a {0} named {1:?} already; give it another name")]
    Taken(&'static str, &'static str),
    /// The runner is a Linux program.
    #[error("spec.template.spec.os.name is {0:?}; the runner is for linux only")]
    OtherSystem(String),
}

/// The template with the runner in front of its exec hooks; none if it has no exec hook.
pub fn inject(
    template: &Value,
    runner: &Runner,
    policies: &[HookPolicy],
) -> Result<Option<Value>, InjectError> {
    let spec = &template["spec"];
    if !hooked_containers(spec).any(|container| exec_hooks(container).next().is_some()) {
        return Ok(None);
    }
    refuse_conflicts(spec)?;
    let mut injected = template.clone();
    let budget = budget(spec);
    let mut originals = Map::new();
    for list in ["initContainers", "containers"] {
        let containers = injected["spec"][list].as_array_mut().into_iter().flatten();
        for container in containers.filter(|container| list == "containers" || is_sidecar(container)) {
            let kinds: Vec<_> = exec_hooks(container).collect();
            if !kinds.is_empty() {
                originals.insert(text(&container["name"]), container["lifecycle"].clone());
                wrap(container, &kinds, policies, budget, runner.live.is_some());
            }
        }
    }
    annotate(&mut injected, &Value::Object(originals));
    if let Some(endpoint) = &runner.live {
        channel::deliver(&mut injected, endpoint);
    }
    deliver(&mut injected["spec"], runner);
    evict::give_up(&mut injected, local_volumes(runner.delivery));
    Ok(Some(injected))
}

/// Bytes of a container's termination log that are sure to be read: each of all containers gets the same share.
fn budget(spec: &Value) -> usize {
    let count = |list: &str| spec[list].as_array().map_or(0, Vec::len);
    // One for the installer, one to spare: an ephemeral container takes its share too.
    (ALL_LOGS / (count("containers") + count("initContainers") + 2)).min(ONE_LOG)
}

fn wrap(container: &mut Value, kinds: &[HookKind], policies: &[HookPolicy], budget: usize, live: bool) {
    let name = text(&container["name"]);
    for kind in kinds {
        // Both hooks of a container share its log, and preStop writes last: it must find room.
        let budget = if kinds.len() > 1 && *kind == HookKind::PostStart { budget / 2 } else { budget };
        let exec = &container["lifecycle"][field(*kind)]["exec"]["command"];
        let mut words = arguments(container, &name, *kind, policy(policies, &name, *kind), budget);
        if live {
            words.extend([LIVE.to_owned(), channel::MOUNT.to_owned()]);
        }
        words.push("--".to_owned());
        let command = words
            .into_iter()
            .map(Value::from)
            .chain(exec.as_array().into_iter().flatten().cloned())
            .collect();
        container["lifecycle"][field(*kind)]["exec"]["command"] = Value::Array(command);
    }
    let mounts = [
        json!({"name": RUNNER_VOLUME, "mountPath": RUNNER_MOUNT, "readOnly": true}),
        // One for all containers: that the Pod's hooks are cancelled is marked there for those that would start later.
        json!({"name": RECORDS_VOLUME, "mountPath": RECORDS_MOUNT}),
    ];
    append(&mut container["volumeMounts"], mounts.into_iter().chain(live.then(channel::mount)));
}

/// The runner's arguments for a hook and its policy.
fn arguments(
    container: &Value,
    name: &str,
    kind: HookKind,
    policy: Option<&HookPolicy>,
    budget: usize,
) -> Vec<String> {
    let mut words: Vec<String> = vec![RUNNER_PATH.to_owned(), "run".to_owned()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--container", name.to_owned());
    option("--hook", format!("{kind:?}"));
    option("--record-dir", RECORDS_MOUNT.to_owned());
    // Any byte in the log would keep the kubelet from falling back to the container's output.
    if container["terminationMessagePolicy"] != "FallbackToLogsOnError" {
        let path = container["terminationMessagePath"].as_str().unwrap_or("/dev/termination-log");
        option(TERMINATION_LOG, path.to_owned());
        option("--budget", budget.to_string());
    }
    if let Some(policy) = policy {
        let HookPolicy {
            container: _,
            hook: _,
            timeout_seconds,
            retries,
            retry_delay_seconds,
            failure_policy,
            output_bytes,
        } = policy;
        let numbers = [
            ("--timeout", timeout_seconds),
            ("--retries", retries),
            ("--retry-delay", retry_delay_seconds),
            ("--output-bytes", output_bytes),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                option(name, number.to_string());
            }
        }
        if *failure_policy == Some(FailurePolicy::Ignore) {
            words.push(IGNORE_FAILURE.to_owned());
        }
    }
    words
}

/// The first policy that matches applies.
pub(crate) fn policy<'a>(
    policies: &'a [HookPolicy],
    container: &str,
    kind: HookKind,
) -> Option<&'a HookPolicy> {
    policies.iter().find(|policy| {
        policy.container.as_deref().is_none_or(|name| name == container)
            && policy.hook.is_none_or(|hook| hook == kind)
    })
}

fn deliver(spec: &mut Value, runner: &Runner) {
    let source = match runner.delivery {
        Delivery::ImageVolume => {
            json!({"name": RUNNER_VOLUME, "image": {"reference": runner.image, "pullPolicy": "IfNotPresent"}})
        }
        Delivery::InitContainer => json!({"name": RUNNER_VOLUME, "emptyDir": {}}),
    };
    append(&mut spec["volumes"], [source, json!({"name": RECORDS_VOLUME, "emptyDir": {}})]);
    if runner.delivery == Delivery::InitContainer {
        let installer = installer(spec, &runner.image);
        let mut containers = spec["initContainers"].as_array().cloned().unwrap_or_default();
        // Before every sidecar, whose hooks need it.
        containers.insert(0, installer);
        spec["initContainers"] = Value::Array(containers);
    }
}

/// Those of our volumes that are directories of the node.
fn local_volumes(delivery: Delivery) -> &'static [&'static str] {
    match delivery {
        Delivery::ImageVolume => &[RECORDS_VOLUME],
        Delivery::InitContainer => &[RUNNER_VOLUME, RECORDS_VOLUME],
    }
}

/// An init container that quotas and restricted Pod Security accept.
fn installer(spec: &Value, image: &str) -> Value {
    let mut security = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    // The Pod's own user, if it names one that is not root, fits its namespace's policies best.
    if !matches!(spec["securityContext"]["runAsUser"].as_i64(), Some(1..)) {
        security["runAsUser"] = json!(65532);
    }
    // Requests that were not the limits would make a Guaranteed Pod Burstable: no CPUs of its own, and evicted earlier.
    let share = json!({"cpu": "50m", "memory": "32Mi"});
    json!({
        "name": INSTALLER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/hook-runner", "install", RUNNER_PATH],
        "resources": {"requests": share, "limits": share},
        "securityContext": security,
        "volumeMounts": [{"name": RUNNER_VOLUME, "mountPath": RUNNER_MOUNT}],
    })
}

/// What the user wrote can be read back from the Pod.
fn annotate(template: &mut Value, originals: &Value) {
    let mut annotations = template["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    annotations.insert(names::ORIGINAL_HOOKS_ANNOTATION.to_owned(), originals.to_string().into());
    template["metadata"]["annotations"] = Value::Object(annotations);
}

fn refuse_conflicts(spec: &Value) -> Result<(), InjectError> {
    if let Some(system) = spec["os"]["name"].as_str().filter(|name| *name != "linux") {
        return Err(InjectError::OtherSystem(system.to_owned()));
    }
    let has =
        |list: &str, name: &str| spec[list].as_array().into_iter().flatten().any(|item| item["name"] == name);
    for volume in [RUNNER_VOLUME, RECORDS_VOLUME, channel::VOLUME] {
        if has("volumes", volume) {
            return Err(InjectError::Taken("volume", volume));
        }
    }
    if has("initContainers", INSTALLER) || has("containers", INSTALLER) {
        return Err(InjectError::Taken("container", INSTALLER));
    }
    Ok(())
}

fn hooked_containers(spec: &Value) -> impl Iterator<Item = &Value> {
    let list = |name: &str| spec[name].as_array().into_iter().flatten();
    list("initContainers").filter(|container| is_sidecar(container)).chain(list("containers"))
}

fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn exec_hooks(container: &Value) -> impl Iterator<Item = HookKind> {
    let lifecycle = container["lifecycle"].clone();
    [HookKind::PostStart, HookKind::PreStop].into_iter().filter(move |kind| {
        lifecycle[field(*kind)]["exec"]["command"].as_array().is_some_and(|command| !command.is_empty())
    })
}

fn field(kind: HookKind) -> &'static str {
    match kind {
        HookKind::PostStart => "postStart",
        HookKind::PreStop => "preStop",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        json!({"spec": {"containers": [
            {"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}, "postStart": {"httpGet": {"port": 80}}}},
            {"name": "plain"},
        ]}})
    }

    fn runner(delivery: Delivery) -> Runner {
        Runner { image: "hooked".to_owned(), delivery, live: None }
    }

    #[test]
    fn exec_hooks_run_under_the_runner_and_others_stay_as_they_are() {
        let injected = inject(&template(), &runner(Delivery::ImageVolume), &[]).unwrap().unwrap();
        let web = &injected["spec"]["containers"][0];
        let command = web["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
        assert_eq!(command[0], RUNNER_PATH);
        assert_eq!(command[command.len() - 3..], [json!("--"), json!("sleep"), json!("5")]);
        assert_eq!(
            web["lifecycle"]["postStart"],
            template()["spec"]["containers"][0]["lifecycle"]["postStart"]
        );
        assert_eq!(injected["spec"]["containers"][1], template()["spec"]["containers"][1]);
        let original =
            injected["metadata"]["annotations"][names::ORIGINAL_HOOKS_ANNOTATION].as_str().unwrap();
        let original: Value = serde_json::from_str(original).unwrap();
        assert_eq!(original["web"], template()["spec"]["containers"][0]["lifecycle"]);
    }

    #[test]
    fn a_template_without_exec_hooks_is_left_alone() {
        let bare = json!({"spec": {"containers": [{"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]}});
        assert_eq!(inject(&bare, &runner(Delivery::ImageVolume), &[]), Ok(None));
    }

    #[test]
    fn the_installer_comes_before_every_sidecar() {
        let mut sidecar = template();
        sidecar["spec"]["initContainers"] = json!([{"name": "mesh", "restartPolicy": "Always"}]);
        let injected = inject(&sidecar, &runner(Delivery::InitContainer), &[]).unwrap().unwrap();
        assert_eq!(injected["spec"]["initContainers"][0]["name"], INSTALLER);
        assert_eq!(injected["spec"]["initContainers"][1]["name"], "mesh");
    }

    #[test]
    fn a_guaranteed_pod_stays_guaranteed_with_the_installer_in_it() {
        let all = json!({"cpu": "1", "memory": "1Gi"});
        let mut guaranteed = template();
        for container in guaranteed["spec"]["containers"].as_array_mut().unwrap() {
            container["resources"] = json!({"requests": all, "limits": all});
        }
        let injected = inject(&guaranteed, &runner(Delivery::InitContainer), &[]).unwrap().unwrap();
        for list in ["initContainers", "containers"] {
            for container in injected["spec"][list].as_array().unwrap() {
                let resources = &container["resources"];
                assert!(resources["limits"]["cpu"].is_string() && resources["limits"]["memory"].is_string());
                assert_eq!(resources["requests"], resources["limits"], "{}", container["name"]);
            }
        }
    }

    #[test]
    fn none_of_our_volumes_keeps_a_node_from_being_scaled_down() {
        for delivery in [Delivery::ImageVolume, Delivery::InitContainer] {
            let mut written = template();
            let annotation = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
            written["metadata"]["annotations"] = json!({annotation: "cache"});
            written["spec"]["volumes"] = json!([{"name": "cache", "emptyDir": {}}]);
            let injected = inject(&written, &runner(delivery), &[]).unwrap().unwrap();
            let volumes = injected["spec"]["volumes"].as_array().unwrap().iter();
            let local: Vec<_> = volumes
                .filter(|volume| volume["emptyDir"].is_object())
                .filter_map(|volume| volume["name"].as_str())
                .collect();
            assert_eq!(injected["metadata"]["annotations"][annotation], local.join(","), "{delivery:?}");
        }
    }

    #[test]
    fn nothing_is_written_to_a_log_that_falls_back_to_output() {
        let mut falling = template();
        falling["spec"]["containers"][0]["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
        let injected = inject(&falling, &runner(Delivery::ImageVolume), &[]).unwrap().unwrap();
        assert!(!injected.to_string().contains("--termination-log"));
    }

    #[test]
    fn the_first_policy_that_matches_is_passed_on() {
        let policies = [
            HookPolicy { container: Some("other".to_owned()), retries: Some(9), ..HookPolicy::default() },
            HookPolicy {
                timeout_seconds: Some(3),
                failure_policy: Some(FailurePolicy::Ignore),
                ..HookPolicy::default()
            },
        ];
        let text =
            inject(&template(), &runner(Delivery::ImageVolume), &policies).unwrap().unwrap().to_string();
        assert!(
            text.contains(r#""--timeout","3""#)
                && text.contains(IGNORE_FAILURE)
                && !text.contains("--retries"),
            "{text}"
        );
    }

    #[test]
    fn where_the_operator_listens_each_hook_is_told_how_to_reach_it_and_the_pod_has_a_token_for_it() {
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        let runner = Runner { live: Some(endpoint), ..runner(Delivery::ImageVolume) };
        let injected = inject(&template(), &runner, &[]).unwrap().unwrap();
        let web = &injected["spec"]["containers"][0];
        let command = web["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
        let end = command.iter().position(|word| word == "--").unwrap();
        assert_eq!(command[end - 2..end], [json!(LIVE), json!(channel::MOUNT)]);
        assert_eq!(
            web["volumeMounts"][2],
            json!({"name": "hooked-live", "mountPath": channel::MOUNT, "readOnly": true})
        );
        assert_eq!(injected["metadata"]["annotations"][names::LIVE_ADDRESS_ANNOTATION], "10.0.0.9:8443");
        let volumes = injected["spec"]["volumes"].as_array().unwrap();
        let sources =
            &volumes.iter().find(|volume| volume["name"] == "hooked-live").unwrap()["projected"]["sources"];
        assert_eq!(sources[0]["serviceAccountToken"]["audience"], "hooked.dev");
        assert_eq!(injected["spec"]["containers"][1], template()["spec"]["containers"][1]);
    }

    #[test]
    fn a_name_that_is_taken_is_said() {
        let mut taken = template();
        taken["spec"]["volumes"] = json!([{"name": "hooked-runner", "emptyDir": {}}]);
        let error = inject(&taken, &runner(Delivery::ImageVolume), &[]).unwrap_err();
        assert_eq!(error, InjectError::Taken("volume", "hooked-runner"));
    }
}
