//! What the status of a Pod proves of the hook-runner, whose init container has tried it out.

use hooked_protocol::checked;

use crate::lifecycle::{ContainerState, PodSpec, PodStatus, Proven};
use crate::names::{INSTALLER_CONTAINER, volume};

/// Where the hook-runner has run, if the Pod mounts its image and its init container has ended well and has told.
pub fn proven(spec: &PodSpec, status: &PodStatus) -> Option<Proven> {
    let tester = status.init_container_statuses.iter().find(|known| known.name == INSTALLER_CONTAINER)?;
    let ContainerState { terminated: Some(ended), .. } = &tester.state else { return None };
    let architecture = checked(&ended.message).filter(|_| ended.exit_code == 0)?;
    let mounted = spec.volumes.iter().find(|known| known.name == volume::RUNNER)?.image.as_ref()?;
    Some(Proven {
        image: mounted.reference.clone(),
        runtime_class: spec.runtime_class_name.clone().unwrap_or_default(),
        architecture: architecture.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TOLD: &str = "hooked.dev/check arm64 0.1.0\n";

    fn check(spec: &Value, state: &Value, expect: Option<(&str, &str)>) {
        let status = json!({"initContainerStatuses": [
            {"name": "other", "state": {"terminated": {"exitCode": 0, "message": "hooked.dev/check s390x 1"}}},
            {"name": INSTALLER_CONTAINER, "restartCount": 0, "state": state},
        ]});
        let read =
            proven(&serde_json::from_value(spec.clone()).unwrap(), &serde_json::from_value(status).unwrap());
        let expect = expect.map(|(class, architecture)| Proven {
            image: "hooked:1".to_owned(),
            runtime_class: class.to_owned(),
            architecture: architecture.to_owned(),
        });
        assert_eq!(read, expect, "{spec} {state}");
    }

    fn ended(exit_code: i32, message: &str) -> Value {
        json!({"terminated": {"exitCode": exit_code, "message": message}})
    }

    #[test]
    fn a_runner_that_was_tried_out_well_is_proven_for_its_image_class_and_architecture() {
        let mut spec = json!({"volumes": [{"name": "hooked-runner", "image": {"reference": "hooked:1"}}]});
        check(&spec, &ended(0, TOLD), Some(("", "arm64")));
        check(&spec, &ended(126, TOLD), None);
        check(&spec, &ended(0, ""), None);
        check(&spec, &json!({"running": {}}), None);
        check(&spec, &json!({"waiting": {"reason": "PodInitializing"}}), None);
        spec["runtimeClassName"] = json!("kata");
        check(&spec, &ended(0, TOLD), Some(("kata", "arm64")));
    }

    #[test]
    fn what_an_installer_has_copied_proves_nothing_of_image_volumes() {
        check(&json!({"volumes": [{"name": "hooked-runner", "emptyDir": {}}]}), &ended(0, TOLD), None);
        let other = json!({"volumes": [{"name": "models", "image": {"reference": "hooked:1"}}]});
        check(&other, &ended(0, TOLD), None);
    }
}
