//! Putting the hook-runner in front of exec hooks: in the Pod only, never in what the user wrote.
//!
//! The runner comes in by an image volume, or by an init container that copies it into an emptyDir. Arguments tell it
//! everything, so that the hook sees exactly the environment it would have had. httpGet, sleep and tcpSocket handlers
//! stay native.

use hooked_crd::HookPolicy;
use serde_json::{Map, Value};

use super::conflicts::{InjectError, refuse_conflicts};
use super::delivery::Delivery;
use super::hooked::{for_each_hooked, has_exec_hooks};
use super::json::text;
use super::wrap::Wrapping;
use super::{channel, evict};
use crate::lifecycle::LiveEndpoint;
use crate::names;

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

/// The template with the runner in front of its exec hooks; none if it has no exec hook.
pub fn inject(
    template: &Value,
    runner: &Runner,
    policies: &[HookPolicy],
) -> Result<Option<Value>, InjectError> {
    let spec = &template["spec"];
    if !has_exec_hooks(spec) {
        return Ok(None);
    }
    refuse_conflicts(spec)?;
    let wrapping = Wrapping::of(spec, policies, runner.live.is_some());
    let mut injected = template.clone();
    let mut originals = Map::new();
    for_each_hooked(&mut injected["spec"], |container, hooks| {
        originals.insert(text(&container["name"]), container["lifecycle"].clone());
        wrapping.wrap(container, hooks);
    });
    annotate(&mut injected, &Value::Object(originals));
    if let Some(endpoint) = &runner.live {
        channel::deliver(&mut injected, endpoint);
    }
    runner.delivery.deliver(&mut injected["spec"], &runner.image);
    evict::give_up(&mut injected, runner.delivery.local_volumes());
    Ok(Some(injected))
}

/// What the user wrote can be read back from the Pod.
fn annotate(template: &mut Value, originals: &Value) {
    let mut annotations = template["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    annotations.insert(names::ORIGINAL_HOOKS_ANNOTATION.to_owned(), originals.to_string().into());
    template["metadata"]["annotations"] = Value::Object(annotations);
}

#[cfg(test)]
mod tests {
    use hooked_protocol::RUNNER_PATH;
    use serde_json::json;

    use super::*;
    use crate::names::{INSTALLER_CONTAINER, mount};

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
        assert_eq!(command[2..], [json!("sleep"), json!("5")]);
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
        assert_eq!(injected["spec"]["initContainers"][0]["name"], INSTALLER_CONTAINER);
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
            let annotations = &injected["metadata"]["annotations"];
            assert_eq!(annotations[names::SAFE_TO_EVICT_ANNOTATION], "true", "{delivery:?}");
            // Another one of the user's does.
            written["spec"]["volumes"].as_array_mut().unwrap().push(json!({"name": "data", "emptyDir": {}}));
            let injected = inject(&written, &runner(delivery), &[]).unwrap().unwrap();
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
    fn where_the_operator_listens_each_hook_is_told_how_to_reach_it_and_the_pod_has_a_token_for_it() {
        let endpoint = LiveEndpoint { address: "10.0.0.9:8443".to_owned(), ca: "PEM".to_owned() };
        let runner = Runner { live: Some(endpoint), ..runner(Delivery::ImageVolume) };
        let injected = inject(&template(), &runner, &[]).unwrap().unwrap();
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
