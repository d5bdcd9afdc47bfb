//! What the operator has of the runner, and what of it is for Pods of a template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::conflicts::{InjectError, refuse_conflicts};
use super::delivery::Delivery;
use super::landing::{architectures, other_system};
use super::node::NodeKind;

/// What the operator has of the runner, and what it knows of the nodes that the runner may come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// The image that holds the program `/hook-runner`, or why the operator knows none.
    pub image: Result<String, String>,
    /// The Secret in a Pod's own namespace by which the image is pulled besides those that the Pod has.
    pub pull_secret: Option<String>,
    /// The ways into a Pod, the best one first.
    pub deliveries: Vec<Delivery>,
    /// The architectures that the image is for, such as `amd64`.
    pub architectures: BTreeSet<String>,
    /// The kinds of Linux nodes that there are; none where nobody could say.
    pub nodes: BTreeSet<NodeKind>,
}

/// What of it is for Pods of one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The image that holds the program `/hook-runner`.
    pub image: String,
    /// The Secret by which the image is pulled besides those that the Pod has.
    pub pull_secret: Option<String>,
    /// The ways into a Pod, the best one first.
    pub deliveries: Vec<Delivery>,
}

impl Supply {
    /// What there is for Pods of a template with that spec.
    pub fn offer(&self, spec: &Value) -> Result<Offer, InjectError> {
        refuse_conflicts(spec)?;
        self.fits(spec)?;
        let image = self.image.clone().map_err(InjectError::NoImage)?;
        let mut deliveries = self.deliveries.clone();
        // Whether gVisor, Kata or another runtime mounts images is not known from a node's version; each runs init
        // containers.
        if !spec["runtimeClassName"].as_str().unwrap_or_default().is_empty() {
            deliveries.sort_by_key(|delivery| *delivery == Delivery::ImageVolume);
        }
        Ok(Offer { image, pull_secret: self.pull_secret.clone(), deliveries })
    }

    /// Whether the runner can run on every node that Pods of that spec may land on.
    pub(crate) fn fits(&self, spec: &Value) -> Result<(), InjectError> {
        if let Some(why) = other_system(spec) {
            return Err(InjectError::OtherSystem(why));
        }
        let landing = architectures(spec, &self.nodes);
        let others: Vec<&str> = landing.difference(&self.architectures).map(String::as_str).collect();
        if others.is_empty() {
            return Ok(());
        }
        let ours: Vec<&str> = self.architectures.iter().map(String::as_str).collect();
        Err(InjectError::OtherArchitecture { others: others.join(", "), ours: ours.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn supply(ours: &[&str], nodes: &[&str]) -> Supply {
        let node = |name: &&str| NodeKind { architecture: (*name).to_owned(), taints: BTreeSet::new() };
        Supply {
            image: Ok("hooked".to_owned()),
            pull_secret: None,
            deliveries: vec![Delivery::ImageVolume, Delivery::InitContainer],
            architectures: ours.iter().map(|name| (*name).to_owned()).collect(),
            nodes: nodes.iter().map(node).collect(),
        }
    }

    fn check(ours: &[&str], nodes: &[&str], spec: &Value, expect: Result<(), &str>) {
        let offer = supply(ours, nodes).offer(spec);
        let words = offer.as_ref().map(drop).map_err(ToString::to_string);
        let is_right = match (&words, expect) {
            (Ok(()), Ok(())) => true,
            (Err(words), Err(expect)) => words.contains(expect),
            _ => false,
        };
        assert!(is_right, "{ours:?} for {spec} among {nodes:?}: {words:?} where {expect:?} is right");
    }

    #[test]
    fn no_pod_gets_a_runner_that_is_for_another_architecture_than_its_node() {
        let pinned = json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}});
        check(&["amd64"], &["amd64"], &json!({}), Ok(()));
        check(&["amd64"], &["amd64", "arm64"], &json!({}), Err("may land on nodes of arm64"));
        check(&["amd64"], &["arm64"], &json!({}), Err("may land on nodes of arm64"));
        check(&["amd64"], &["amd64", "arm64"], &pinned, Ok(()));
        check(&["arm64"], &["amd64", "arm64"], &pinned, Err("may land on nodes of amd64"));
        check(&["amd64", "arm64"], &["amd64", "arm64"], &json!({}), Ok(()));
        // Nobody could say which nodes there are.
        check(&["amd64"], &[], &json!({}), Ok(()));
        check(&["arm64"], &[], &pinned, Err("may land on nodes of amd64"));
    }

    #[test]
    fn what_keeps_the_runner_away_is_told_with_what_helps() {
        let words = supply(&["amd64"], &["amd64", "arm64"]).offer(&json!({})).unwrap_err().to_string();
        assert!(words.contains("nodeSelector") && words.contains("--runner-architectures"), "{words}");
        check(&["amd64"], &[], &json!({"os": {"name": "windows"}}), Err("is for linux only"));
        check(&["amd64"], &[], &json!({"volumes": [{"name": "hooked-runner"}]}), Err("give it another name"));
        let without = Supply { image: Err("its Pod is not found".to_owned()), ..supply(&["amd64"], &[]) };
        let words = without.offer(&json!({})).unwrap_err().to_string();
        assert!(words.contains("its Pod is not found") && words.contains("--runner-image"), "{words}");
    }

    #[test]
    fn a_runtime_class_is_asked_for_an_init_container_first() {
        let deliveries = |spec: &Value| supply(&["amd64"], &[]).offer(spec).unwrap().deliveries;
        assert_eq!(deliveries(&json!({}))[0], Delivery::ImageVolume);
        assert_eq!(deliveries(&json!({"runtimeClassName": ""}))[0], Delivery::ImageVolume);
        let sandboxed = deliveries(&json!({"runtimeClassName": "gvisor"}));
        assert_eq!(sandboxed, [Delivery::InitContainer, Delivery::ImageVolume]);
    }
}
