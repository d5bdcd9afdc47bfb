//! How the runner gets into a Pod: the volumes that its containers mount, and who fills them.

use hooked_protocol::RUNNER_PATH;
use serde_json::{Value, json};

use super::json::append;
use crate::names::{INSTALLER_CONTAINER, mount, volume};

/// Where the program is in its image.
const PROGRAM: &str = "/hook-runner";

/// How the runner gets into a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By an image volume: on by default from Kubernetes 1.35, allowed under restricted Pod Security.
    ImageVolume,
    /// By an init container that copies it into an emptyDir.
    InitContainer,
}

impl Delivery {
    /// Gives the Pod the volumes of the runner, and what fills them from the image.
    pub(super) fn deliver(self, spec: &mut Value, image: &str) {
        let source = match self {
            Self::ImageVolume => {
                json!({"name": volume::RUNNER, "image": {"reference": image, "pullPolicy": "IfNotPresent"}})
            }
            Self::InitContainer => json!({"name": volume::RUNNER, "emptyDir": {}}),
        };
        append(&mut spec["volumes"], [source, json!({"name": volume::RECORDS, "emptyDir": {}})]);
        if self == Self::InitContainer {
            let installer = installer(spec, image);
            let mut containers = spec["initContainers"].as_array().cloned().unwrap_or_default();
            // Before every sidecar, whose hooks need it.
            containers.insert(0, installer);
            spec["initContainers"] = Value::Array(containers);
        }
    }

    /// Those of our volumes that are directories of the node.
    pub(super) fn local_volumes(self) -> &'static [&'static str] {
        match self {
            Self::ImageVolume => &[volume::RECORDS],
            Self::InitContainer => &[volume::RUNNER, volume::RECORDS],
        }
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
        "name": INSTALLER_CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PROGRAM, "install", RUNNER_PATH],
        // Where it fails, what the runtime prints says why: the Pod's status then has it.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": share, "limits": share},
        "securityContext": security,
        "volumeMounts": [{"name": volume::RUNNER, "mountPath": mount::RUNNER}],
    })
}
