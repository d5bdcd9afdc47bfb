//! Nodes, of each of which only what decides about the runner is kept.

use std::collections::BTreeMap;

use hooked_core::workload::template::mounts_images;

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::check) struct SeenNode {
    pub(super) name: String,
    pub(super) system: String,
    pub(super) architecture: String,
    pub(super) kubelet: String,
    pub(super) runtime: String,
    pub(super) kernel: String,
}

impl SeenNode {
    /// The node, and what it runs on.
    pub(super) fn described(&self) -> String {
        format!("{} ({}, {})", self.name, self.kubelet, self.runtime)
    }
}

/// All nodes.
#[derive(Clone, Debug, Default)]
pub(in crate::check) struct Census(pub(super) Vec<SeenNode>);

impl Census {
    /// Those that the runner is made for.
    pub(super) fn linux(&self) -> impl Iterator<Item = &SeenNode> {
        self.0.iter().filter(|node| node.system == "linux")
    }

    /// What the nodes that the runner is made for have, and how many have it; in the order of the alphabet.
    pub(super) fn counted<'a>(&'a self, of: impl Fn(&'a SeenNode) -> &'a str) -> Vec<(&'a str, usize)> {
        let mut counts = BTreeMap::new();
        for node in self.linux() {
            *counts.entry(of(node)).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// Those of them that do not mount images.
    pub(super) fn without_image_volumes(&self) -> impl Iterator<Item = &SeenNode> {
        self.linux().filter(|node| !mounts_images(&node.kubelet, &node.runtime))
    }

    /// Whether there are such nodes, and every one of them mounts images.
    pub(in crate::check) fn all_mount_images(&self) -> bool {
        self.linux().next().is_some() && self.without_image_volumes().next().is_none()
    }

    /// The processors of the nodes that the runner is made for.
    pub(in crate::check) fn architectures(&self) -> Vec<String> {
        self.counted(|node| &node.architecture).into_iter().map(|(name, _)| name.to_owned()).collect()
    }
}

#[cfg(test)]
impl SeenNode {
    /// A node of that processor and with that kubelet.
    pub(in crate::check) fn linux(architecture: &str, kubelet: &str) -> Self {
        Self {
            system: "linux".to_owned(),
            architecture: architecture.to_owned(),
            kubelet: kubelet.to_owned(),
            runtime: "containerd://2.2.0".to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
impl Census {
    pub(in crate::check) fn of(nodes: impl Iterator<Item = SeenNode>) -> Self {
        Self(nodes.collect())
    }
}
