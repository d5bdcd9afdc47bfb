//! How the hook-runner gets into Pods: as the operator is told, or as the nodes allow.

use hooked_core::pod::{Delivery, Runner};
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, ListParams};

use crate::context::Locked;
use crate::request;
use crate::settings::Injection;

/// The first minor version of Kubernetes 1 in which image volumes are on by default.
const IMAGE_VOLUMES: u32 = 35;

/// The runner's image, and what is known of the ways to deliver it.
#[derive(Debug)]
pub(crate) struct RunnerSource {
    image: String,
    injection: Injection,
    detected: Locked<Option<Delivery>>,
}

impl RunnerSource {
    pub(crate) fn new(image: String, injection: Injection) -> Self {
        Self { image, injection, detected: Locked::default() }
    }

    /// The runner for Pods that are made now. What the nodes support is asked anew for each new revision, since nodes
    /// come and go.
    pub(crate) async fn runner(&self, client: &Client, anew: bool) -> Runner {
        let image = self.image.clone();
        let delivery = match self.injection {
            Injection::ImageVolume => Delivery::ImageVolume,
            Injection::InitContainer => Delivery::InitContainer,
            Injection::Auto => self.detect(client, anew).await,
        };
        Runner { image, delivery }
    }

    async fn detect(&self, client: &Client, anew: bool) -> Delivery {
        let known = *self.detected.lock();
        if let (Some(delivery), false) = (known, anew) {
            return delivery;
        }
        // An init container works everywhere, so it is what is taken while nothing is known.
        let delivery = match Api::<Node>::all(client.clone()).list(&ListParams::default()).await {
            Ok(nodes) if !nodes.items.is_empty() && nodes.items.iter().all(supports_image_volumes) => {
                Delivery::ImageVolume
            }
            Ok(_) => Delivery::InitContainer,
            Err(error) => {
                tracing::warn!(
                    error = request::brief(&error),
                    "nodes cannot be listed: the runner comes by init containers"
                );
                known.unwrap_or(Delivery::InitContainer)
            }
        };
        *self.detected.lock() = Some(delivery);
        delivery
    }
}

fn supports_image_volumes(node: &Node) -> bool {
    let version =
        node.status.as_ref().and_then(|status| status.node_info.as_ref()).map(|info| &info.kubelet_version);
    version.is_some_and(|version| minor(version).is_some_and(|minor| minor >= IMAGE_VOLUMES))
}

/// The minor version of a kubelet of Kubernetes 1, such as 36 of `v1.36.3`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelets_version_tells_whether_it_mounts_images() {
        for (version, expect) in
            [("v1.36.3", Some(36)), ("v1.35.0-eks-1", Some(35)), ("v1.9+", Some(9)), ("v2.0.0", None)]
        {
            assert_eq!(minor(version), expect, "{version}");
        }
    }
}
