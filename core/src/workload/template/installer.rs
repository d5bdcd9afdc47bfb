//! The init container that copies the runner into a Pod, or tries it out there, and changes nothing else about the Pod.

use hooked_protocol::{CHECK, RUNNER_PATH};
use serde_json::{Map, Value, json};

use crate::names::{INSTALLER_CONTAINER, mount, volume};

/// Where the program is in its image.
const PROGRAM: &str = "/hook-runner";
/// Somebody who is not root. The image names the same user.
const NOBODY: i64 = 65532;
/// The resources that decide about a Pod's class of service and that limits and quotas of a namespace are about.
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// The one that copies the runner to where the Pod's containers find it, and runs the copy.
pub(super) fn installer(spec: &Value, image: &str) -> Value {
    let mount = json!({"name": volume::RUNNER, "mountPath": mount::RUNNER});
    container(spec, image, &[PROGRAM, "install", RUNNER_PATH], &mount)
}

/// The one that runs the runner from the volume that the Pod's containers mount: where that cannot be done, the Pod
/// waits here, and nothing of the user's has started.
pub(super) fn tester(spec: &Value, image: &str) -> Value {
    let mount = json!({"name": volume::RUNNER, "mountPath": mount::RUNNER, "readOnly": true});
    container(spec, image, &[RUNNER_PATH, CHECK], &mount)
}

/// An init container that a namespace's policies, limits and quotas accept where they accept the Pod without it.
fn container(spec: &Value, image: &str, command: &[&str], mount: &Value) -> Value {
    let mut security = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    if let Some(user) = user(spec) {
        security["runAsUser"] = json!(user);
    }
    let mut container = json!({
        "name": INSTALLER_CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        // Where it fails, what the runtime prints says why: the Pod's status then has it.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": security,
        "volumeMounts": [mount],
    });
    let resources = resources(&spec["containers"][0]["resources"]);
    if !resources.is_empty() {
        container["resources"] = Value::Object(resources);
    }
    container
}

/// Who the container is to be, where neither the Pod's own user nor that of the image will do. A namespace may allow
/// some users only, and on `OpenShift` has a range of its own that it takes from where nobody is named, so nobody is
/// named without need.
fn user(spec: &Value) -> Option<i64> {
    let user = |level: &Value| level["securityContext"]["runAsUser"].as_i64();
    match (user(&spec["containers"][0]), user(spec)) {
        (Some(theirs @ 1..), _) => Some(theirs),
        (_, Some(0)) => Some(NOBODY),
        _ => None,
    }
}

/// What the first container asks for. So a Guaranteed Pod stays Guaranteed and one that is `BestEffort` stays that,
/// what limits of the namespace allow for the one they allow for the other, and the Pod asks for no more than before:
/// of init containers and the containers after them the larger counts.
fn resources(first: &Value) -> Map<String, Value> {
    let mut resources = Map::new();
    for field in ["requests", "limits"] {
        let all = first[field].as_object().into_iter().flatten();
        let own: Map<String, Value> = all
            .filter(|(name, amount)| RESOURCES.contains(&name.as_str()) && !amount.is_null())
            .map(|(name, amount)| (name.clone(), amount.clone()))
            .collect();
        if !own.is_empty() {
            resources.insert(field.to_owned(), Value::Object(own));
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_resources(first: &Value, expect: &Value) {
        let spec = json!({"containers": [{"name": "web", "resources": first}, {"name": "other"}]});
        assert_eq!(installer(&spec, "hooked")["resources"], *expect, "{first}");
    }

    #[test]
    fn the_installer_asks_for_what_the_first_container_asks_for() {
        check_resources(&Value::Null, &Value::Null);
        check_resources(&json!({}), &Value::Null);
        check_resources(&json!({"limits": {}, "requests": null}), &Value::Null);
        let guaranteed = json!({"cpu": "1", "memory": "1Gi"});
        let guaranteed = json!({"requests": guaranteed, "limits": guaranteed});
        check_resources(&guaranteed, &guaranteed);
        // The API server makes the requests that are left out from the limits.
        check_resources(&json!({"limits": {"cpu": 0.5}}), &json!({"limits": {"cpu": 0.5}}));
        let device = json!({"limits": {"nvidia.com/gpu": 1, "memory": "1Gi"}, "claims": [{"name": "gpu"}]});
        check_resources(&device, &json!({"limits": {"memory": "1Gi"}}));
        check_resources(&json!({"limits": {"nvidia.com/gpu": 1}}), &Value::Null);
    }

    #[test]
    fn a_runner_that_is_mounted_is_tried_out_as_its_installer_would_be() {
        let resources = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
        let spec = json!({"securityContext": {"runAsUser": 0}, "containers": [{"resources": resources}]});
        let mut tester = tester(&spec, "hooked");
        assert_eq!(tester["command"], json!(["/.hooked/runner/hook-runner", "check"]));
        assert_eq!(tester["volumeMounts"][0]["readOnly"], true);
        let installer = installer(&spec, "hooked");
        for field in ["command", "volumeMounts"] {
            tester[field] = installer[field].clone();
        }
        assert_eq!(tester, installer);
    }

    fn check_user(pod: &Value, first: &Value, expect: &Value) {
        let spec = json!({"securityContext": pod, "containers": [{"securityContext": first}]});
        let security = &installer(&spec, "hooked")["securityContext"];
        assert_eq!(security["runAsUser"], *expect, "{pod} {first}");
        assert_eq!((&security["runAsNonRoot"], &security["runAsGroup"]), (&json!(true), &Value::Null));
    }

    #[test]
    fn the_installer_names_a_user_only_where_it_would_be_root() {
        let is = |user: i64| json!({"runAsUser": user});
        check_user(&Value::Null, &Value::Null, &Value::Null);
        check_user(&is(1000), &Value::Null, &Value::Null);
        check_user(&is(0), &Value::Null, &json!(NOBODY));
        check_user(&Value::Null, &is(0), &Value::Null);
        // What the container is allowed, its installer is.
        check_user(&Value::Null, &is(1234), &json!(1234));
        check_user(&is(0), &is(1234), &json!(1234));
        check_user(&is(0), &is(0), &json!(NOBODY));
    }
}
