//! What nodes are: their systems, processors, container runtimes and kernels, and whether they mount images.

mod census;

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use kube::core::{ApiResource, NotUsed, Object};
use serde::{Deserialize, Serialize};

use super::finding::{Check, Finding, some_of};
use super::settings::{Injection, Settings};
use crate::connect::Connection;
use crate::pages;
use crate::request::{Asked, Request, RequestError};

pub(super) use census::{Census, SeenNode};

/// Nodes that one reply holds: one may take 20 KiB, of which next to nothing is kept.
const PAGE: u32 = 500;
/// The processor that the image is always built for.
const USUAL: &str = "amd64";

/// A node with just the fields that are looked at.
type SlimNode = Object<NotUsed, NodeStatus>;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeStatus {
    node_info: NodeInfo,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeInfo {
    operating_system: String,
    architecture: String,
    kubelet_version: String,
    container_runtime_version: String,
    kernel_version: String,
}

/// Looks at every node.
pub(super) async fn fetch(connection: &Connection) -> Result<Census, RequestError> {
    let request = Request { verb: "list", asked: Asked::Node, name: "", namespace: "" };
    let nodes: Api<SlimNode> = Api::all_with(connection.client.clone(), &ApiResource::erase::<Node>(&()));
    let mut census = Census::default();
    pages::each(&nodes, ListParams::default().limit(PAGE), request, |node| census.0.push(SeenNode::of(node)))
        .await?;
    Ok(census)
}

impl SeenNode {
    fn of(node: &SlimNode) -> Self {
        let info = node.status.clone().unwrap_or_default().node_info;
        Self {
            name: node.metadata.name.clone().unwrap_or_default(),
            system: info.operating_system,
            architecture: info.architecture,
            kubelet: info.kubelet_version,
            runtime: info.container_runtime_version,
            kernel: info.kernel_version,
        }
    }
}

/// What is found of them, for an operator that is told this.
pub(super) fn findings(fetched: &Result<Census, RequestError>, settings: &Settings) -> Vec<Finding> {
    let checks = [Check::NodeSystem, Check::NodeArchitecture, Check::NodeRuntime, Check::ImageVolumes];
    match fetched {
        Err(error) => checks.map(|check| Finding::unanswered(check, error)).to_vec(),
        Ok(Census(nodes)) if nodes.is_empty() => {
            vec![Finding::problem(Check::NodeSystem, "there is no node", "Pods need one")]
        }
        Ok(census) => {
            vec![
                system(census),
                architecture(census, &settings.architectures),
                runtime(census),
                image_volumes(census, settings.injection),
            ]
        }
    }
}

fn system(census: &Census) -> Finding {
    let all = census.0.len();
    match census.linux().count() {
        0 => Finding::problem(
            Check::NodeSystem,
            "no node runs linux",
            "the operator and the runner are programs for linux: add a node that runs it",
        ),
        linux if linux == all => Finding::ok(Check::NodeSystem, format!("{all} of {all} run linux")),
        linux => Finding::warning(
            Check::NodeSystem,
            format!(
                "{linux} of {all} run linux: exec hooks are measured there, and on the others only observed"
            ),
            "say in templates for the others which system they need: spec.os.name, or the node label kubernetes.io/os",
        ),
    }
}

/// `known` are those that the operator is told the image is for.
fn architecture(census: &Census, known: &[String]) -> Finding {
    let counted = census.counted(|node| &node.architecture);
    let words =
        counted.iter().map(|(name, count)| format!("{name} ({count})")).collect::<Vec<_>>().join(", ");
    let is_known =
        |name: &str| if known.is_empty() { name == USUAL } else { known.iter().any(|known| known == name) };
    let others: Vec<&str> = counted.iter().map(|(name, _)| *name).filter(|name| !is_known(name)).collect();
    if others.is_empty() {
        return Finding::ok(Check::NodeArchitecture, words);
    }
    let others = others.join(" and ");
    let message = if known.is_empty() {
        format!("{words}: the runner's image must be for {others} too")
    } else {
        format!(
            "{words}: Pods that may come to {others} are observed, since the operator is not told that its image is for it"
        )
    };
    let action = "--with-pod runs it on a node of each; `crane manifest IMAGE` lists what an image is for, and \
                  --runner-architectures tells the operator";
    Finding::warning(Check::NodeArchitecture, message, action)
}

fn runtime(census: &Census) -> Finding {
    let runtimes = census.counted(|node| &node.runtime);
    let kernels = census.counted(|node| &node.kernel);
    let list = |counted: &[(&str, usize)]| {
        let words: Vec<_> = counted.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        some_of(&words)
    };
    let words = format!("{}; kernel {}", list(&runtimes), list(&kernels));
    let is_known =
        |runtime: &str| ["containerd://", "cri-o://"].iter().any(|known| runtime.starts_with(known));
    if runtimes.iter().all(|(runtime, _)| is_known(runtime)) {
        return Finding::ok(Check::NodeRuntime, words);
    }
    Finding::warning(
        Check::NodeRuntime,
        format!("{words}: Hooked was tried with containerd and CRI-O alone"),
        "--with-pod shows whether the runner runs there",
    )
}

fn image_volumes(census: &Census, injection: Injection) -> Finding {
    let check = Check::ImageVolumes;
    let without: Vec<_> = census.without_image_volumes().map(SeenNode::described).collect();
    let all = census.linux().count();
    match (without.as_slice(), injection) {
        ([], Injection::InitContainer) => {
            Finding::ok(check, format!("{all} of {all} mount images; the operator uses init containers"))
        }
        ([], Injection::Auto | Injection::ImageVolume) => {
            Finding::ok(check, format!("{all} of {all} mount images: the runner comes as an image volume"))
        }
        (without, Injection::ImageVolume) => Finding::problem(
            check,
            format!(
                "{} of {all} do not mount images, and the operator is told to use them: {}",
                without.len(),
                some_of(without)
            ),
            "run the operator with --injection=Auto; image volumes need Kubernetes 1.35 and containerd 2.1 or CRI-O 1.31",
        ),
        (without, Injection::Auto | Injection::InitContainer) => Finding::ok(
            check,
            format!(
                "{} of {all} do not mount images, so an init container brings the runner: {}",
                without.len(),
                some_of(without)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::finding::Verdict;

    fn node(name: &str, system: &str, architecture: &str, kubelet: &str, runtime: &str) -> SeenNode {
        let info = json!({
            "operatingSystem": system, "architecture": architecture, "kubeletVersion": kubelet,
            "containerRuntimeVersion": runtime, "kernelVersion": "6.12.0",
        });
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": {"podCIDR": "10.0.0.0/24"}, "status": {"nodeInfo": info, "images": []},
        });
        SeenNode::of(&serde_json::from_value(node).unwrap())
    }

    fn new(name: &str) -> SeenNode {
        node(name, "linux", "amd64", "v1.36.0", "containerd://2.2.0")
    }

    fn old(name: &str) -> SeenNode {
        node(name, "linux", "amd64", "v1.34.4", "containerd://1.7.27")
    }

    fn check(nodes: &[SeenNode], injection: Injection, expect: [(Verdict, &str); 4]) {
        let settings = Settings { injection, ..Settings::default() };
        let findings = findings(&Ok(Census(nodes.to_vec())), &settings);
        assert_eq!(findings.len(), expect.len());
        for (finding, (verdict, words)) in findings.iter().zip(expect) {
            assert!(finding.verdict == verdict && finding.message.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn nodes_that_are_alike_and_new_are_as_they_should_be() {
        check(
            &[new("a"), new("b")],
            Injection::Auto,
            [
                (Verdict::Ok, "2 of 2 run linux"),
                (Verdict::Ok, "amd64 (2)"),
                (Verdict::Ok, "containerd://2.2.0 (2); kernel 6.12.0 (2)"),
                (Verdict::Ok, "comes as an image volume"),
            ],
        );
    }

    #[test]
    fn another_system_processor_or_runtime_is_told_with_what_follows() {
        let windows = node("w", "windows", "amd64", "v1.20.0", "containerd://1.6.0");
        let arm = node("arm", "linux", "arm64", "v1.36.0", "docker://28.0.0");
        check(
            &[new("a"), windows, arm],
            Injection::Auto,
            [
                (Verdict::Warning, "2 of 3 run linux"),
                (Verdict::Warning, "amd64 (1), arm64 (1): the runner's image must be for arm64 too"),
                (Verdict::Warning, "tried with containerd and CRI-O alone"),
                (Verdict::Ok, "1 of 2 do not mount images, so an init container brings the runner: arm"),
            ],
        );
    }

    #[test]
    fn an_operator_that_is_told_what_its_image_is_for_is_believed() {
        let arm = node("arm", "linux", "arm64", "v1.36.0", "containerd://2.2.0");
        let check = |known: &[&str], verdict: Verdict, words: &str| {
            let known: Vec<_> = known.iter().map(ToString::to_string).collect();
            let found = architecture(&Census(vec![new("a"), arm.clone()]), &known);
            assert!(found.verdict == verdict && found.message.contains(words), "{found:?}");
        };
        check(&["amd64", "arm64"], Verdict::Ok, "amd64 (1), arm64 (1)");
        check(&["arm64"], Verdict::Warning, "Pods that may come to amd64 are observed");
    }

    #[test]
    fn image_volumes_that_nodes_lack_are_a_problem_only_if_they_are_asked_for() {
        let volumes = |injection| {
            let found = image_volumes(&Census(vec![new("a"), old("b")]), injection);
            (found.verdict, found.message.contains("b (v1.34.4, containerd://1.7.27)"))
        };
        assert_eq!(volumes(Injection::Auto), (Verdict::Ok, true));
        assert_eq!(volumes(Injection::InitContainer), (Verdict::Ok, true));
        assert_eq!(volumes(Injection::ImageVolume), (Verdict::Problem, true));
    }

    #[test]
    fn without_nodes_or_the_right_to_see_them_nothing_is_said_of_them() {
        let settings = Settings::default();
        assert_eq!(findings(&Ok(Census::default()), &settings)[0].verdict, Verdict::Problem);
        let unknown = findings(&Err(RequestError::Unauthorized), &settings);
        assert!(unknown.len() == 4 && unknown.iter().all(|finding| finding.verdict == Verdict::Unknown));
    }
}
