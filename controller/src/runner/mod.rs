//! The hook-runner for Pods: its image, and how it gets into them, as the operator is told or as the cluster shows.

mod image;
mod nodes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hooked_core::lifecycle::Proven;
use hooked_core::pass::Locked;
use hooked_core::workload::template::{Delivery, Supply};
use hooked_protocol::go_architecture;
use kube::Client;
use tokio::sync::Mutex;

use crate::settings::{Injection, RunnerSettings};
use image::own_image;
use nodes::{Nodes, NodesError, nodes};

/// How long what the nodes are is believed: they come and go.
const BELIEVED: Duration = Duration::from_secs(300);
/// How long it is believed where young nodes have taints.
const BELIEVED_YOUNG: Duration = Duration::from_secs(30);
/// How long it is believed that no node of another architecture has come, and how soon the operator's own image is
/// looked for again.
const AGAIN: Duration = Duration::from_secs(3);
/// How long nodes may take to be listed.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many proofs are remembered at most: of a cluster there are a few.
const MOST_PROVEN: usize = 1000;

/// The runner for Pods, and what is known of the nodes that it may come to.
#[derive(Debug)]
pub(crate) struct RunnerSource {
    told: RunnerSettings,
    known: Locked<Option<Known>>,
    /// Where the runner was seen to run. What is `known` is changed with it, and is locked first.
    proven: Locked<BTreeSet<Proven>>,
    /// Held by who asks, so that the cluster is asked once however many workloads are new.
    asking: Mutex<()>,
}

/// What was found out.
#[derive(Clone, Debug)]
struct Known {
    supply: Arc<Supply>,
    nodes: Option<Nodes>,
    /// Until when the nodes are believed.
    nodes_until: Instant,
    /// Until when all of it is believed.
    until: Instant,
}

impl RunnerSource {
    pub(crate) fn new(told: RunnerSettings) -> Self {
        Self { told, known: Locked::default(), proven: Locked::default(), asking: Mutex::default() }
    }

    /// A Pod has shown that the runner runs there. Pods like it need not try it out any more.
    pub(crate) fn prove(&self, proven: Proven) {
        let mut known = self.known.lock();
        let mut all = self.proven.lock();
        if all.len() >= MOST_PROVEN || !all.insert(proven.clone()) {
            return;
        }
        let Proven { image, runtime_class, architecture } = &proven;
        tracing::info!(image, runtime_class, architecture, "the hook-runner runs from an image volume");
        if let Some(known) = &mut *known {
            Arc::make_mut(&mut known.supply).proven.insert(proven);
        }
    }

    /// The runner for Pods that are made now. While one pass asks the cluster again, others go on with what is known.
    pub(crate) async fn supply(&self, client: &Client) -> Arc<Supply> {
        let known = || self.known.lock().clone();
        let is_believed = |known: &Known| Instant::now() < known.until;
        let _asking = match known() {
            Some(known) if is_believed(&known) => return known.supply,
            Some(known) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return known.supply,
            },
            None => self.asking.lock().await,
        };
        match known() {
            Some(known) if is_believed(&known) => known.supply,
            before => {
                let mut found = self.find(client, before).await;
                let mut known = self.known.lock();
                Arc::make_mut(&mut found.supply).proven.clone_from(&self.proven.lock());
                *known = Some(found.clone());
                found.supply
            }
        }
    }

    async fn find(&self, client: &Client, before: Option<Known>) -> Known {
        let image = self.image(client, before.as_ref()).await;
        let known = before.filter(|before| Instant::now() < before.nodes_until);
        let known = match known {
            Some(known) if !is_another_architecture(client, known.nodes.as_ref()).await => Some(known),
            _ => None,
        };
        let (nodes, nodes_until) = if let Some(known) = known {
            (known.nodes, known.nodes_until)
        } else {
            let nodes = self.nodes(client).await;
            let are_unsettled = nodes.as_ref().is_some_and(|nodes| nodes.are_unsettled);
            (nodes, Instant::now() + if are_unsettled { BELIEVED_YOUNG } else { BELIEVED })
        };
        let until = nodes_until.min(Instant::now() + AGAIN);
        let supply = Supply {
            image,
            pull_secret: self.told.pull_secret.clone(),
            deliveries: deliveries(self.told.injection, nodes.as_ref()),
            architectures: own_architectures(&self.told.architectures),
            nodes: nodes.as_ref().map(|nodes| nodes.kinds.clone()).unwrap_or_default(),
            // What Pods have shown is added when all of this is known.
            proven: BTreeSet::new(),
        };
        Known { supply: Arc::new(supply), nodes, nodes_until, until }
    }

    /// The image that the operator is told, or else its own, which does not change while it lives.
    async fn image(&self, client: &Client, before: Option<&Known>) -> Result<String, String> {
        let RunnerSettings { image, pod_namespace, pod_name, .. } = &self.told;
        if let Some(image) = image {
            return Ok(image.clone());
        }
        if let Some(Ok(image)) = before.map(|before| &before.supply.image) {
            return Ok(image.clone());
        }
        let image = own_image(client, pod_namespace, pod_name).await.map_err(|error| error.to_string());
        if let (Err(error), None) = (&image, before) {
            tracing::warn!(error, "the operator knows no image of the hook-runner: hooks are observed");
        }
        image
    }

    /// What the nodes are, or last were.
    async fn nodes(&self, client: &Client) -> Option<Nodes> {
        let listed = tokio::time::timeout(PATIENCE, nodes(client)).await;
        match listed.unwrap_or(Err(NodesError::Late)) {
            Ok(nodes) => Some(nodes),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "nodes cannot be listed: they are taken for what they last were, or else for our own kind, for \
                     which --injection=Auto is by init containers"
                );
                self.known.lock().as_ref().and_then(|known| known.nodes.clone())
            }
        }
    }
}

/// Whether a node has come of an architecture that none of these nodes has. Where the API server does not
/// say, the nodes are believed for as long as they are anyway; where it has never said, since the operator may
/// not list nodes, it is not asked every time.
async fn is_another_architecture(client: &Client, nodes: Option<&Nodes>) -> bool {
    let Some(nodes) = nodes else { return false };
    let kinds = nodes.kinds.iter();
    let known = kinds.map(|kind| kind.architecture.as_str()).collect();
    let asked = tokio::time::timeout(PATIENCE, nodes::is_another_architecture(client, &known)).await;
    matches!(asked, Ok(Ok(true)))
}

/// The ways into Pods, the best one first. An init container works everywhere, so it is what is taken while
/// nothing is known of the nodes, and what comes next where the API server refuses image volumes.
fn deliveries(injection: Injection, nodes: Option<&Nodes>) -> Vec<Delivery> {
    match injection {
        Injection::ImageVolume => vec![Delivery::ImageVolume],
        Injection::Auto if nodes.is_some_and(|nodes| nodes.all_mount_images) => {
            vec![Delivery::ImageVolume, Delivery::InitContainer]
        }
        Injection::InitContainer | Injection::Auto => vec![Delivery::InitContainer],
    }
}

/// The architectures that the runner's image is for: those that the operator is told, else the one that this program
/// is for, since both programs are in one image.
fn own_architectures(told: &[String]) -> BTreeSet<String> {
    if told.is_empty() {
        return BTreeSet::from([go_architecture(std::env::consts::ARCH).to_owned()]);
    }
    told.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_comes_as_is_told_or_else_as_the_nodes_allow() {
        let check = |injection, all_mount_images: Option<bool>, expect: &[Delivery]| {
            let nodes = all_mount_images.map(|all| Nodes { all_mount_images: all, ..Nodes::default() });
            assert_eq!(deliveries(injection, nodes.as_ref()), expect, "{injection:?} {nodes:?}");
        };
        check(Injection::ImageVolume, None, &[Delivery::ImageVolume]);
        check(Injection::InitContainer, Some(true), &[Delivery::InitContainer]);
        check(Injection::Auto, None, &[Delivery::InitContainer]);
        check(Injection::Auto, Some(false), &[Delivery::InitContainer]);
        check(Injection::Auto, Some(true), &[Delivery::ImageVolume, Delivery::InitContainer]);
    }

    #[test]
    fn the_image_is_for_the_architectures_that_are_told_or_else_for_this_one() {
        let told = ["arm64".to_owned(), "amd64".to_owned()];
        assert!(own_architectures(&told).iter().eq(["amd64", "arm64"]));
        assert!(own_architectures(&[]).iter().eq([go_architecture(std::env::consts::ARCH)]));
    }
}
