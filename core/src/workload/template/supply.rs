//! What the operator has of the runner, and what of it is for Pods of a template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::conflicts::{InjectError, refuse_conflicts};
use super::delivery::Delivery;
use super::landing::{architectures, other_system};
use super::node::NodeKind;
use crate::lifecycle::Proven;

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
    /// Where the runner was seen to run from an image volume.
    pub proven: BTreeSet<Proven>,
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
            deliveries.sort_by_key(|delivery| delivery.is_image_volume());
        }
        if !self.is_proven(spec, &image)
            && let Some(at) = deliveries.iter().position(|delivery| *delivery == Delivery::ImageVolume)
        {
            deliveries.insert(at, Delivery::TestedVolume);
        }
        Ok(Offer { image, pull_secret: self.pull_secret.clone(), deliveries })
    }

    /// Whether an image volume of the runner was seen to work wherever Pods of that spec may land. Where nobody can say
    /// where that is, it is wherever the image is for.
    fn is_proven(&self, spec: &Value, image: &str) -> bool {
        let landing = architectures(spec, &self.nodes);
        let all = if landing.is_empty() { &self.architectures } else { &landing };
        let runtime_class = spec["runtimeClassName"].as_str().unwrap_or_default();
        all.iter().all(|architecture| {
            self.proven.contains(&Proven {
                image: image.to_owned(),
                runtime_class: runtime_class.to_owned(),
                architecture: architecture.clone(),
            })
        })
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
            proven: BTreeSet::new(),
        }
    }

    fn proven(runtime_class: &str, architecture: &str) -> Proven {
        Proven {
            image: "hooked".to_owned(),
            runtime_class: runtime_class.to_owned(),
            architecture: architecture.to_owned(),
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
        let known = BTreeSet::from([proven("", "amd64")]);
        let deliveries = |spec: &Value| {
            let supply = Supply { proven: known.clone(), ..supply(&["amd64"], &[]) };
            supply.offer(spec).unwrap().deliveries
        };
        assert_eq!(deliveries(&json!({}))[0], Delivery::ImageVolume);
        assert_eq!(deliveries(&json!({"runtimeClassName": ""}))[0], Delivery::ImageVolume);
        let sandboxed = deliveries(&json!({"runtimeClassName": "gvisor"}));
        assert_eq!(sandboxed, [Delivery::InitContainer, Delivery::TestedVolume, Delivery::ImageVolume]);
    }

    /// Whether Pods of that spec have the image volume tested, where it was seen to work there.
    fn check_tested(seen: &[(&str, &str)], (ours, nodes): (&[&str], &[&str]), spec: &Value, expect: bool) {
        let proven = seen.iter().map(|(class, architecture)| proven(class, architecture)).collect();
        let supply = Supply { proven, ..supply(ours, nodes) };
        let deliveries = supply.offer(spec).unwrap().deliveries;
        let is_tested = deliveries.contains(&Delivery::TestedVolume);
        assert_eq!(is_tested, expect, "{seen:?} for {spec} among {nodes:?}: {deliveries:?}");
        let other = Supply { image: Ok("hooked:2".to_owned()), ..supply };
        assert!(other.offer(spec).unwrap().deliveries.contains(&Delivery::TestedVolume), "another image");
    }

    #[test]
    fn an_image_volume_is_tested_until_it_was_seen_to_work_wherever_pods_may_land() {
        let (one, both) = ((&["amd64"][..], &["amd64"][..]), &["amd64", "arm64"][..]);
        check_tested(&[], one, &json!({}), true);
        check_tested(&[("", "amd64")], one, &json!({}), false);
        check_tested(&[("", "arm64")], one, &json!({}), true);
        check_tested(&[("", "amd64")], (both, both), &json!({}), true);
        check_tested(&[("", "amd64"), ("", "arm64")], (both, both), &json!({}), false);
        let pinned = json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}});
        check_tested(&[("", "arm64")], (both, both), &pinned, false);
        // Nobody could say which nodes there are.
        check_tested(&[("", "amd64")], (both, &[]), &json!({}), true);
        check_tested(&[("", "amd64"), ("", "arm64")], (both, &[]), &json!({}), false);
        let sandboxed = json!({"runtimeClassName": "kata"});
        check_tested(&[("", "amd64")], one, &sandboxed, true);
        check_tested(&[("kata", "amd64")], one, &sandboxed, false);
        check_tested(&[("kata", "amd64")], one, &json!({}), true);
    }

    #[test]
    fn what_comes_by_an_init_container_alone_is_not_offered_another_way() {
        let deliveries = vec![Delivery::InitContainer];
        let supply = Supply { deliveries: deliveries.clone(), ..supply(&["amd64"], &[]) };
        assert_eq!(supply.offer(&json!({})).unwrap().deliveries, deliveries);
    }
}
