//! How the hook-runner gets into Pods: as the operator is told, or as the nodes allow.

use std::time::{Duration, Instant};

use hooked_core::workload::template::{Delivery, Runner};
use kube::api::ListParams;
use kube::core::{Request, request::Error as BuildError};
use kube::{Client, Error};
use serde::Deserialize;
use thiserror::Error as ThisError;
use tokio::sync::Mutex;

use crate::request;
use crate::settings::Injection;

/// The first minor version of Kubernetes 1 in which image volumes are on by default.
const IMAGE_VOLUMES: u32 = 35;
/// How long what the nodes support is believed: nodes come and go.
const BELIEVED: Duration = Duration::from_secs(300);
/// Nodes that are read at once.
const PAGE: u32 = 500;

/// The runner's image, and what is known of the ways to deliver it.
#[derive(Debug)]
pub(crate) struct RunnerSource {
    image: String,
    injection: Injection,
    /// Held while nodes are asked, so that they are asked once however many workloads are new.
    detected: Mutex<Option<(Instant, Delivery)>>,
}

#[derive(Debug, ThisError)]
enum DetectError {
    #[error("{}", request::brief(.0))]
    List(#[from] Error),
    #[error("the request could not be made: {0}")]
    Build(#[from] BuildError),
}

impl RunnerSource {
    pub(crate) fn new(image: String, injection: Injection) -> Self {
        Self { image, injection, detected: Mutex::default() }
    }

    /// The runner for Pods that are made now.
    pub(crate) async fn runner(&self, client: &Client) -> Runner {
        let image = self.image.clone();
        let delivery = match self.injection {
            Injection::ImageVolume => Delivery::ImageVolume,
            Injection::InitContainer => Delivery::InitContainer,
            Injection::Auto => self.detect(client).await,
        };
        Runner { image, delivery, live: None }
    }

    /// How the runner comes into Pods, as far as that is known without asking.
    pub(crate) fn known_delivery(&self) -> Option<Delivery> {
        match self.injection {
            Injection::ImageVolume => Some(Delivery::ImageVolume),
            Injection::InitContainer => Some(Delivery::InitContainer),
            // While nodes are being asked it may be about to change, and is seen in a later pass.
            Injection::Auto => self.detected.try_lock().ok()?.map(|(_, delivery)| delivery),
        }
    }

    async fn detect(&self, client: &Client) -> Delivery {
        let mut detected = self.detected.lock().await;
        if let Some((_, delivery)) = detected.filter(|(at, _)| at.elapsed() < BELIEVED) {
            return delivery;
        }
        match all_support_image_volumes(client).await {
            Ok(all) => {
                let delivery = if all { Delivery::ImageVolume } else { Delivery::InitContainer };
                *detected = Some((Instant::now(), delivery));
                delivery
            }
            // An init container works everywhere, so it is what is taken while nothing is known.
            Err(error) => {
                tracing::warn!(%error, "nodes cannot be listed: the runner comes as it last did, or by init containers");
                detected.map_or(Delivery::InitContainer, |(_, delivery)| delivery)
            }
        }
    }
}

/// A page of nodes, of each of which only the versions of the kubelet and its container runtime are read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct NodePage {
    metadata: PageMeta,
    items: Vec<SlimNode>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMeta {
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SlimNode {
    status: SlimNodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SlimNodeStatus {
    node_info: SlimNodeInfo,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SlimNodeInfo {
    kubelet_version: String,
    container_runtime_version: String,
}

/// Whether there are nodes and every one of them mounts images. Asking ends at the first that does not.
async fn all_support_image_volumes(client: &Client) -> Result<bool, DetectError> {
    let mut parameters = ListParams::default().limit(PAGE);
    let mut any = false;
    loop {
        let request = Request::new("/api/v1/nodes").list(&parameters)?;
        let NodePage { metadata, items } = client.request(request).await?;
        any |= !items.is_empty();
        if !items.iter().all(supports_image_volumes) {
            return Ok(false);
        }
        if metadata.next.is_empty() {
            return Ok(any);
        }
        parameters = parameters.continue_token(&metadata.next);
    }
}

fn supports_image_volumes(node: &SlimNode) -> bool {
    let SlimNodeInfo { kubelet_version, container_runtime_version } = &node.status.node_info;
    minor(kubelet_version).is_some_and(|minor| minor >= IMAGE_VOLUMES)
        && mounts_images(container_runtime_version)
}

/// Whether a container runtime, such as `containerd://2.1.4`, mounts images: containerd from 2.1 on and CRI-O
/// from 1.31 on (KEP-4639). Of any other nobody knows here.
fn mounts_images(runtime: &str) -> bool {
    let Some((name, version)) = runtime.split_once("://") else { return false };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return false };
    match name {
        "containerd" => (major, minor) >= (2, 1),
        "cri-o" => (major, minor) >= (1, 31),
        _ => false,
    }
}

/// The minor version of a kubelet of Kubernetes 1, such as 36 of `v1.36.3`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_the_runner_comes_is_known_without_asking_where_it_is_told_or_was_detected() {
        let known = |injection, detected: Option<Delivery>| {
            let mut source = RunnerSource::new("hooked".to_owned(), injection);
            *source.detected.get_mut() = detected.map(|delivery| (Instant::now(), delivery));
            source.known_delivery()
        };
        assert_eq!(known(Injection::ImageVolume, None), Some(Delivery::ImageVolume));
        assert_eq!(known(Injection::InitContainer, None), Some(Delivery::InitContainer));
        assert_eq!(known(Injection::Auto, None), None);
        assert_eq!(known(Injection::Auto, Some(Delivery::ImageVolume)), Some(Delivery::ImageVolume));
    }

    #[test]
    fn a_kubelets_version_tells_whether_it_mounts_images() {
        for (version, expect) in
            [("v1.36.3", Some(36)), ("v1.35.0-eks-1", Some(35)), ("v1.9+", Some(9)), ("v2.0.0", None)]
        {
            assert_eq!(minor(version), expect, "{version}");
        }
    }

    #[test]
    fn a_runtimes_version_tells_whether_it_mounts_images() {
        for (runtime, expect) in [
            ("containerd://2.1.0", true),
            ("containerd://2.2.1+unknown", true),
            ("containerd://2.0.5", false),
            ("containerd://1.7.27", false),
            ("containerd://v2", false),
            ("cri-o://1.34.1", true),
            ("cri-o://1.30.9", false),
            ("docker://28.0.0", false),
            ("", false),
        ] {
            assert_eq!(mounts_images(runtime), expect, "{runtime}");
        }
    }

    #[test]
    fn of_a_page_of_nodes_only_versions_are_read() {
        let page: NodePage = serde_json::from_value(serde_json::json!({
            "metadata": {"continue": "next", "remainingItemCount": 3},
            "items": [{"metadata": {"name": "n"}, "status": {"nodeInfo": {"kubeletVersion": "v1.36.0", "containerRuntimeVersion": "containerd://2.2.0"}}}, {"status": {}}],
        }))
        .unwrap();
        assert_eq!(page.metadata.next, "next");
        assert_eq!(page.items.iter().map(supports_image_volumes).collect::<Vec<_>>(), [true, false]);
    }
}
