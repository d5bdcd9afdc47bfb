//! How the runner gets into a Pod: the volumes that its containers mount, and who fills them.

use serde_json::{Value, json};

use super::installer::{installer, tester};
use super::json::append;
use crate::names::volume;

/// How the runner gets into a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// By an image volume, where an init container first shows that the runner can be run from it.
    TestedVolume,
    /// By an image volume: on by default from Kubernetes 1.35, allowed under restricted Pod Security.
    ImageVolume,
    /// By an init container that copies it into an emptyDir.
    InitContainer,
}

impl Delivery {
    /// How many containers a Pod gets by it.
    pub(super) fn containers(self) -> usize {
        usize::from(self != Self::ImageVolume)
    }

    /// Whether it needs nodes and an API server that know image volumes.
    pub fn is_image_volume(self) -> bool {
        self != Self::InitContainer
    }

    /// Whether the API server takes a Pod, which it shows, with the runner in it. One that knows image volumes and
    /// has them switched off drops the source, as does one that does not know them and is not asked strictly: the
    /// hook would find no program.
    pub(crate) fn is_taken(self, shown: &Value) -> bool {
        let mut volumes = shown["spec"]["volumes"].as_array().into_iter().flatten();
        !self.is_image_volume() || volumes.any(|volume| volume["image"]["reference"].is_string())
    }

    /// Gives the Pod the volumes of the runner, and what fills them from the image.
    pub(super) fn deliver(self, spec: &mut Value, image: &str) {
        let source = match self {
            Self::TestedVolume | Self::ImageVolume => {
                json!({"name": volume::RUNNER, "image": {"reference": image, "pullPolicy": "IfNotPresent"}})
            }
            Self::InitContainer => json!({"name": volume::RUNNER, "emptyDir": {}}),
        };
        append(&mut spec["volumes"], [source, json!({"name": volume::RECORDS, "emptyDir": {}})]);
        let first = match self {
            Self::TestedVolume => tester(spec, image),
            Self::InitContainer => installer(spec, image),
            Self::ImageVolume => return,
        };
        let mut containers = spec["initContainers"].as_array().cloned().unwrap_or_default();
        // Before every sidecar, whose hooks need the runner.
        containers.insert(0, first);
        spec["initContainers"] = Value::Array(containers);
    }

    /// Those of our volumes that are directories of the node.
    pub(super) fn local_volumes(self) -> &'static [&'static str] {
        match self {
            Self::TestedVolume | Self::ImageVolume => &[volume::RECORDS],
            Self::InitContainer => &[volume::RUNNER, volume::RECORDS],
        }
    }
}
