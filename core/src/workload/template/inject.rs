//! Putting the hook-runner in front of exec hooks: in the Pod only, never in what the user wrote.
//!
//! The runner comes in by an image volume, which an init container may try out, or by an init container that copies it
//! into an emptyDir. Arguments tell it
//! everything, so that the hook sees exactly the environment it would have had. httpGet, sleep and tcpSocket handlers
//! stay native.

use hooked_crd::HookPolicy;
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::hooked::{for_each_hooked, has_exec_hooks};
use super::json::append;
use super::wrap::Wrapping;
use super::{channel, evict};
use crate::lifecycle::LiveEndpoint;
use crate::names::{INJECTED_ANNOTATION, INSTALLER_CONTAINER};

/// Where containers have the credentials of their Pod's account
/// (`plugin/pkg/admission/serviceaccount/admission.go`).
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The runner, and how it gets into a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The image that holds the program `/hook-runner`.
    pub image: String,
    /// How it gets into a Pod.
    pub delivery: Delivery,
    /// Where it reaches the operator while a hook runs; none if it does not.
    pub live: Option<LiveEndpoint>,
    /// All Secrets that the Pod's images are pulled by; none if the Pod's own will do.
    pub pull_secrets: Vec<String>,
    /// How many containers the Pod has once everybody has added theirs; 0 if that was not seen.
    pub containers: usize,
}

impl Runner {
    /// One of that image, of which nothing more is known.
    pub fn new(image: String, delivery: Delivery) -> Self {
        Self { image, delivery, live: None, pull_secrets: Vec::new(), containers: 0 }
    }
}

/// The template with the runner in front of its exec hooks; none if it has no exec hook.
pub fn inject(template: &Value, runner: &Runner, policies: &[HookPolicy]) -> Option<Value> {
    let mut injected = put_in(template, runner, policies)?;
    evict::give_up(&mut injected, runner.delivery.local_volumes());
    Some(injected)
}

/// The same of a Pod that others make, whose controller the cluster autoscaler knows: it is told of our volumes alone.
pub fn inject_into(pod: &Value, runner: &Runner, policies: &[HookPolicy]) -> Option<Value> {
    let mut injected = put_in(pod, runner, policies)?;
    mount_account(&mut injected["spec"]);
    evict::give_up_volumes(&mut injected, runner.delivery.local_volumes());
    injected["metadata"]["annotations"][INJECTED_ANNOTATION] = json!("true");
    Some(injected)
}

/// Mounts the credentials of the Pod's account into our container, as they are into the first of its own: otherwise the
/// API server does that next, and has every webhook called once more for it.
fn mount_account(spec: &mut Value) {
    let mut mounts = spec["containers"][0]["volumeMounts"].as_array().into_iter().flatten();
    let Some(mount) = mounts.find(|mount| mount["mountPath"] == ACCOUNT).cloned() else { return };
    let mut containers = spec["initContainers"].as_array_mut().into_iter().flatten();
    if let Some(ours) = containers.find(|container| container["name"] == INSTALLER_CONTAINER) {
        append(&mut ours["volumeMounts"], [mount]);
    }
}

fn put_in(template: &Value, runner: &Runner, policies: &[HookPolicy]) -> Option<Value> {
    let spec = &template["spec"];
    if !has_exec_hooks(spec) {
        return None;
    }
    let containers = runner.containers.max(count_containers(spec) + runner.delivery.containers());
    let wrapping = Wrapping::of(containers, policies, runner.live.is_some());
    let mut injected = template.clone();
    for_each_hooked(&mut injected["spec"], |container, hooks| wrapping.wrap(container, hooks));
    if let Some(endpoint) = &runner.live {
        channel::deliver(&mut injected, endpoint);
    }
    runner.delivery.deliver(&mut injected["spec"], &runner.image);
    if !runner.pull_secrets.is_empty() {
        let named = runner.pull_secrets.iter().map(|name| json!({"name": name}));
        injected["spec"]["imagePullSecrets"] = named.collect();
    }
    Some(injected)
}

/// How many containers a Pod of that spec has.
pub(crate) fn count_containers(spec: &Value) -> usize {
    ["initContainers", "containers"].into_iter().map(|list| spec[list].as_array().map_or(0, Vec::len)).sum()
}

#[cfg(test)]
mod tests {
    use hooked_protocol::RUNNER_PATH;
    use serde_json::json;

    use super::*;
    use crate::names::{self, mount};

    const ALL: [Delivery; 3] = [Delivery::TestedVolume, Delivery::ImageVolume, Delivery::InitContainer];

    fn template() -> Value {
        json!({"spec": {"containers": [
            {"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}, "postStart": {"httpGet": {"port": 80}}}},
            {"name": "plain"},
        ]}})
    }

    fn runner(delivery: Delivery) -> Runner {
        Runner::new("hooked".to_owned(), delivery)
    }

    #[test]
    fn exec_hooks_run_under_the_runner_and_others_stay_as_they_are() {
        let injected = inject(&template(), &runner(Delivery::ImageVolume), &[]).unwrap();
        let web = &injected["spec"]["containers"][0];
        let command = web["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
        assert_eq!(command[0], RUNNER_PATH);
        assert_eq!(command[2..], [json!("sleep"), json!("5")]);
        assert_eq!(
            web["lifecycle"]["postStart"],
            template()["spec"]["containers"][0]["lifecycle"]["postStart"]
        );
        assert_eq!(injected["spec"]["containers"][1], template()["spec"]["containers"][1]);
    }

    #[test]
    fn a_template_without_exec_hooks_is_left_alone() {
        let bare = json!({"spec": {"containers": [{"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]}});
        assert_eq!(inject(&bare, &runner(Delivery::ImageVolume), &[]), None);
    }

    #[test]
    fn the_installer_comes_before_every_sidecar() {
        let mut sidecar = template();
        sidecar["spec"]["initContainers"] = json!([{"name": "mesh", "restartPolicy": "Always"}]);
        for delivery in [Delivery::InitContainer, Delivery::TestedVolume] {
            let injected = inject(&sidecar, &runner(delivery), &[]).unwrap();
            assert_eq!(injected["spec"]["initContainers"][0]["name"], INSTALLER_CONTAINER);
            assert_eq!(injected["spec"]["initContainers"][1]["name"], "mesh");
        }
    }

    /// The class of service of a Pod as Kubernetes computes it of its containers' resources
    /// (`pkg/apis/core/v1/helper/qos/qos.go`).
    fn qos(spec: &Value) -> &'static str {
        let lists = ["initContainers", "containers"].into_iter().filter_map(|list| spec[list].as_array());
        let all: Vec<&Value> = lists.flatten().map(|container| &container["resources"]).collect();
        let amount = |resources: &Value, field: &str, name: &str| {
            let limit = &resources["limits"][name];
            let asked = &resources[field][name];
            if asked.is_null() { limit.clone() } else { asked.clone() }
        };
        let has = |resources: &&Value, name: &str| !amount(resources, "requests", name).is_null();
        let is_fixed = |resources: &&Value| {
            ["cpu", "memory"].into_iter().all(|name| {
                let limit = &resources["limits"][name];
                !limit.is_null() && amount(resources, "requests", name) == *limit
            })
        };
        if all.iter().all(|resources| !has(resources, "cpu") && !has(resources, "memory")) {
            "BestEffort"
        } else if all.iter().all(is_fixed) {
            "Guaranteed"
        } else {
            "Burstable"
        }
    }

    #[test]
    fn no_pod_changes_its_qos_class_for_the_runner() {
        let all = json!({"cpu": "1", "memory": "1Gi"});
        let fixed = json!({"requests": all, "limits": all});
        let some = json!({"requests": {"cpu": "100m"}});
        let classes = [
            ([&fixed, &fixed], "Guaranteed"),
            ([&Value::Null, &Value::Null], "BestEffort"),
            ([&some, &some], "Burstable"),
            ([&fixed, &Value::Null], "Burstable"),
            ([&Value::Null, &fixed], "Burstable"),
        ];
        for (resources, expect) in classes {
            let mut template = template();
            for (container, resources) in
                template["spec"]["containers"].as_array_mut().unwrap().iter_mut().zip(resources)
            {
                container["resources"] = resources.clone();
            }
            assert_eq!(qos(&template["spec"]), expect);
            for delivery in ALL {
                let injected = inject(&template, &runner(delivery), &[]).unwrap();
                assert_eq!(qos(&injected["spec"]), expect, "{resources:?} {delivery:?}");
            }
        }
    }

    /// The share of a container's termination log that its preStop is told.
    fn budget(runner: &Runner) -> usize {
        let injected = inject(&template(), runner, &[]).unwrap();
        let words = injected["spec"]["containers"][0]["lifecycle"]["preStop"].to_string();
        let (_, after) = words.split_once("budget").unwrap();
        let digits = after.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    #[test]
    fn every_container_that_there_will_be_has_its_share_of_the_logs() {
        let seen = |delivery, containers| budget(&Runner { containers, ..runner(delivery) });
        assert_eq!(seen(Delivery::ImageVolume, 0), 12_288 / 4);
        assert_eq!(seen(Delivery::TestedVolume, 0), 12_288 / 5);
        assert_eq!(seen(Delivery::InitContainer, 0), 12_288 / 5);
        assert_eq!(seen(Delivery::InitContainer, 3), 12_288 / 5);
        // A mesh has added an init container and a proxy.
        assert_eq!(seen(Delivery::InitContainer, 5), 12_288 / 7);
    }

    #[test]
    fn pull_secrets_are_named_only_where_all_of_them_are_known() {
        let mut own = template();
        own["spec"]["imagePullSecrets"] = json!([{"name": "own"}]);
        let with = |secrets: &[&str]| {
            let pull_secrets = secrets.iter().map(|name| (*name).to_owned()).collect();
            let runner = Runner { pull_secrets, ..runner(Delivery::ImageVolume) };
            inject(&own, &runner, &[]).unwrap()["spec"]["imagePullSecrets"].clone()
        };
        assert_eq!(with(&[]), json!([{"name": "own"}]));
        assert_eq!(with(&["own", "ours"]), json!([{"name": "own"}, {"name": "ours"}]));
    }

    #[test]
    fn none_of_our_volumes_keeps_a_node_from_being_scaled_down() {
        for delivery in ALL {
            let mut written = template();
            let annotation = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
            written["metadata"]["annotations"] = json!({annotation: "cache"});
            written["spec"]["volumes"] = json!([{"name": "cache", "emptyDir": {}}]);
            let injected = inject(&written, &runner(delivery), &[]).unwrap();
            let annotations = &injected["metadata"]["annotations"];
            assert_eq!(annotations[names::SAFE_TO_EVICT_ANNOTATION], "true", "{delivery:?}");
            // Another one of the user's does.
            written["spec"]["volumes"].as_array_mut().unwrap().push(json!({"name": "data", "emptyDir": {}}));
            let injected = inject(&written, &runner(delivery), &[]).unwrap();
            let volumes = injected["spec"]["volumes"].as_array().unwrap().iter();
            let local: Vec<_> = volumes
                .filter(|volume| volume["emptyDir"].is_object() && volume["name"] != "data")
                .filter_map(|volume| volume["name"].as_str())
                .collect();
            let annotations = &injected["metadata"]["annotations"];
            assert_eq!(annotations[annotation], local.join(","), "{delivery:?}");
            assert!(annotations[names::SAFE_TO_EVICT_ANNOTATION].is_null());
        }
    }

    #[test]
    fn our_container_in_pods_of_others_has_the_mount_that_the_api_server_would_give_it() {
        let mut pod = template();
        let account = json!({"name": "kube-api-access-x", "readOnly": true, "mountPath": ACCOUNT});
        pod["spec"]["containers"][0]["volumeMounts"] = json!([account]);
        let runner = runner(Delivery::InitContainer);
        let mounts = |pod: &Value| pod["spec"]["initContainers"][0]["volumeMounts"].clone();
        let before = mounts(&inject_into(&template(), &runner, &[]).unwrap());
        assert_eq!(before.as_array().unwrap().len(), 1, "a Pod without");
        let injected = inject_into(&pod, &runner, &[]).unwrap();
        assert_eq!(mounts(&injected), json!([before[0], account]));
    }

    #[test]
    fn of_pods_that_others_make_the_autoscaler_is_told_of_our_volumes_alone() {
        let injected = inject_into(&template(), &runner(Delivery::InitContainer), &[]).unwrap();
        let annotations = json!({
            names::SAFE_VOLUMES_ANNOTATION: "hooked-runner,hooked-records", INJECTED_ANNOTATION: "true",
        });
        assert_eq!(injected["metadata"]["annotations"], annotations);
    }

    #[test]
    fn where_the_operator_listens_each_hook_is_told_how_to_reach_it_and_the_pod_has_a_token_for_it() {
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        let runner = Runner { live: Some(endpoint), ..runner(Delivery::ImageVolume) };
        let injected = inject(&template(), &runner, &[]).unwrap();
        let web = &injected["spec"]["containers"][0];
        let command = web["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
        assert!(command[1].as_str().unwrap().ends_with(",live"), "{command:?}");
        assert_eq!(
            web["volumeMounts"][2],
            json!({"name": "hooked-live", "mountPath": mount::LIVE, "readOnly": true})
        );
        assert_eq!(injected["metadata"]["annotations"][names::LIVE_ADDRESS_ANNOTATION], "10.0.0.9:8443");
        let volumes = injected["spec"]["volumes"].as_array().unwrap();
        let sources =
            &volumes.iter().find(|volume| volume["name"] == "hooked-live").unwrap()["projected"]["sources"];
        assert_eq!(sources[0]["serviceAccountToken"]["audience"], "hooked.dev");
        assert_eq!(injected["spec"]["containers"][1], template()["spec"]["containers"][1]);
    }
}
