//! What kinds of nodes there are, and whether all of them mount images.

use std::collections::{BTreeMap, BTreeSet};

use hooked_core::workload::template::{NodeKind, Taint};
use jiff::{SignedDuration, Timestamp};
use kube::api::ListParams;
use kube::core::{Request, request::Error as BuildError};
use kube::{Client, Error};
use serde::Deserialize;
use thiserror::Error as ThisError;

use crate::request;
use hooked_core::workload::template::mounts_images;

/// The label of nodes that the scheduler reads, and that the kubelet writes as it writes `nodeInfo.architecture`.
const ARCHITECTURE: &str = "kubernetes.io/arch";
/// Nodes that are read at once.
const PAGE: u32 = 500;
/// Taints whose keys have one of these in them come and go with what happens to a node, such as
/// `node.cilium.io/agent-not-ready` and `startup-taint.cluster-autoscaler.kubernetes.io/…` at its beginning.
const PASSING: [&str; 8] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "karpenter.sh/",
    "ToBeDeletedBy",
    "not-ready",
    "startup",
    "ignore-taint.",
    "status-taint.",
];
/// A node is that young for so long: other taints of it may go soon too.
const YOUTH: SignedDuration = SignedDuration::from_mins(10);

/// What the nodes of a cluster are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nodes {
    /// The kinds of those that run Linux.
    pub(super) kinds: BTreeSet<NodeKind>,
    /// Whether there are such and all of them mount images.
    pub(super) all_mount_images: bool,
    /// Whether a young node has a taint, which may keep Pods away for a moment only.
    pub(super) are_unsettled: bool,
}

#[derive(Debug, ThisError)]
pub(super) enum NodesError {
    #[error("{}", request::brief(.0))]
    List(#[from] Error),
    #[error("the request could not be made: {0}")]
    Build(#[from] BuildError),
    #[error("they do not come in time")]
    Late,
}

/// A page of nodes, of each of which only what is needed here is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    metadata: PageMeta,
    items: Vec<Node>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMeta {
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Node {
    metadata: NodeMeta,
    spec: Spec,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeMeta {
    creation_timestamp: Option<Timestamp>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    taints: Option<Vec<NodeTaint>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeTaint {
    key: String,
    value: String,
    effect: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    node_info: NodeInfo,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeInfo {
    architecture: String,
    operating_system: String,
    kubelet_version: String,
    container_runtime_version: String,
}

/// What all nodes are now.
pub(super) async fn nodes(client: &Client) -> Result<Nodes, NodesError> {
    let mut parameters = ListParams::default().limit(PAGE);
    let mut seen = Seen::default();
    loop {
        let request = Request::new("/api/v1/nodes").list(&parameters)?;
        let Page { metadata, items } = client.request(request).await?;
        for node in items {
            seen.add(node, Timestamp::now());
        }
        if metadata.next.is_empty() {
            return Ok(seen.into());
        }
        parameters = parameters.continue_token(&metadata.next);
    }
}

/// Whether there is a Linux node of another architecture than those: a small question, as long as the answer is no.
pub(super) async fn is_another_architecture(
    client: &Client,
    known: &BTreeSet<&str>,
) -> Result<bool, NodesError> {
    let request =
        Request::new("/api/v1/nodes").list(&ListParams::default().labels(&others(known)).limit(1))?;
    let Page { items, .. } = client.request(request).await?;
    Ok(!items.is_empty())
}

/// The selector of Linux nodes that name another architecture than those.
fn others(known: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = known.iter().copied().collect();
    let named =
        if named.is_empty() { String::new() } else { format!(",{ARCHITECTURE} notin ({})", named.join(",")) };
    format!("{ARCHITECTURE},kubernetes.io/os!=windows{named}")
}

/// What the nodes are that were looked at so far.
#[derive(Default)]
struct Seen {
    kinds: BTreeSet<NodeKind>,
    any: bool,
    one_mounts_no_images: bool,
    one_is_unsettled: bool,
}

impl Seen {
    /// Takes a node in. One that has not told its system yet may be a Linux node that mounts nothing.
    fn add(&mut self, node: Node, now: Timestamp) {
        let NodeInfo { architecture, operating_system, kubelet_version, container_runtime_version } =
            node.status.node_info;
        if operating_system == "windows" {
            return;
        }
        self.any = true;
        self.one_mounts_no_images |= !mounts_images(&kubelet_version, &container_runtime_version);
        // By its label, as the scheduler knows it, if it has one.
        let labelled = node.metadata.labels.and_then(|mut labels| labels.remove(ARCHITECTURE));
        let told = || Some(architecture).filter(|told| !told.is_empty());
        let Some(architecture) = labelled.or_else(told) else { return };
        let lasts = |taint: &NodeTaint| {
            taint.effect != "PreferNoSchedule" && !PASSING.iter().any(|part| taint.key.contains(part))
        };
        let taints = node.spec.taints.unwrap_or_default().into_iter().filter(lasts);
        let taints: BTreeSet<Taint> =
            taints.map(|NodeTaint { key, value, effect }| Taint { key, value, effect }).collect();
        let created = node.metadata.creation_timestamp;
        let is_young = created.is_some_and(|created| now.duration_since(created) < YOUTH);
        self.one_is_unsettled |= is_young && !taints.is_empty();
        self.kinds.insert(NodeKind { architecture, taints });
    }
}

impl From<Seen> for Nodes {
    fn from(Seen { kinds, any, one_mounts_no_images, one_is_unsettled }: Seen) -> Self {
        Self { kinds, all_mount_images: any && !one_mounts_no_images, are_unsettled: one_is_unsettled }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(system: &str, architecture: &str, taints: &Value, kubelet: &str) -> Value {
        json!({"metadata": {"name": "n"}, "spec": {"taints": taints}, "status": {"nodeInfo": {
            "operatingSystem": system, "architecture": architecture, "kubeletVersion": kubelet,
            "containerRuntimeVersion": "containerd://2.2.0",
        }}})
    }

    fn seen(items: &[Value]) -> Nodes {
        let page = json!({"metadata": {"continue": "next", "remainingItemCount": 3}, "items": items});
        let page: Page = serde_json::from_value(page).unwrap();
        assert_eq!(page.metadata.next, "next");
        let mut seen = Seen::default();
        page.items.into_iter().for_each(|node| seen.add(node, Timestamp::from_second(1_000).unwrap()));
        seen.into()
    }

    /// Each kind as `architecture/taint`, and whether all mount images.
    fn check(items: &[Value], kinds: &[&str], all_mount_images: bool) {
        let nodes = seen(items);
        let shown = nodes.kinds.iter().map(|kind| {
            let taints: Vec<&str> = kind.taints.iter().map(|taint| taint.key.as_str()).collect();
            format!("{}/{}", kind.architecture, taints.join("+"))
        });
        assert!(shown.eq(kinds.iter().copied()), "{nodes:?} where {kinds:?} are right");
        assert_eq!(nodes.all_mount_images, all_mount_images, "{nodes:?}");
    }

    #[test]
    fn nodes_of_one_kind_are_one_and_windows_nodes_are_none() {
        let amd = node("linux", "amd64", &Value::Null, "v1.36.3");
        check(&[amd.clone(), amd.clone()], &["amd64/"], true);
        check(&[amd.clone(), node("windows", "amd64", &Value::Null, "v1.20.0")], &["amd64/"], true);
        check(&[amd.clone(), node("linux", "arm64", &Value::Null, "v1.34.0")], &["amd64/", "arm64/"], false);
        // A node that has told nothing yet.
        check(&[amd, json!({"status": {}})], &["amd64/"], false);
        check(&[], &[], false);
    }

    #[test]
    fn a_node_is_of_the_architecture_that_its_label_names() {
        let labelled = json!({"metadata": {"labels": {"kubernetes.io/arch": "arm64"}}, "status": {}});
        check(&[labelled], &["arm64/"], false);
        let mut both = node("linux", "amd64", &Value::Null, "v1.36.3");
        both["metadata"]["labels"] = json!({"kubernetes.io/arch": "arm64"});
        check(&[both], &["arm64/"], true);
    }

    #[test]
    fn nodes_of_other_architectures_are_asked_for_by_their_label() {
        let check = |known: &[&str], expect| assert_eq!(others(&known.iter().copied().collect()), expect);
        check(&[], "kubernetes.io/arch,kubernetes.io/os!=windows");
        check(
            &["arm64", "amd64"],
            "kubernetes.io/arch,kubernetes.io/os!=windows,kubernetes.io/arch notin (amd64,arm64)",
        );
    }

    #[test]
    fn of_taints_those_are_known_that_last_and_keep_pods_away() {
        let taint = |key: &str, effect: &str| json!([{"key": key, "value": "v", "effect": effect}]);
        let with = |key: &str, effect: &str| [node("linux", "arm64", &taint(key, effect), "v1.36.0")];
        check(&with("kubernetes.io/arch", "NoSchedule"), &["arm64/kubernetes.io/arch"], true);
        check(&with("gpu", "NoExecute"), &["arm64/gpu"], true);
        check(&with("gpu", "PreferNoSchedule"), &["arm64/"], true);
        for passing in
            ["node.kubernetes.io/unschedulable", "node.cilium.io/agent-not-ready", "my.startup/taint"]
        {
            check(&with(passing, "NoSchedule"), &["arm64/"], true);
        }
    }

    #[test]
    fn a_taint_of_a_young_node_may_go_soon() {
        let check = |created: i64, taints: Value, expect: bool| {
            let mut node = node("linux", "arm64", &taints, "v1.36.0");
            node["metadata"]["creationTimestamp"] = json!(Timestamp::from_second(created).unwrap());
            assert_eq!(seen(&[node]).are_unsettled, expect, "{created} {taints}");
        };
        let taint = json!([{"key": "gpu", "effect": "NoSchedule"}]);
        check(401, taint.clone(), true);
        check(400, taint, false);
        check(999, Value::Null, false);
    }
}
