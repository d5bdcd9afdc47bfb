//! Pods that are made to look: one for each way in which the runner may come into Pods, and each processor.
//!
//! Such a Pod gets the runner as the operator puts it in, runs it, and has it connect to the operator. It is removed
//! whatever happens, and what cannot be removed is named.

mod leftover;
mod manifest;
mod outcome;
mod run;
mod told;

use hooked_core::workload::template::Delivery;
use jiff::Timestamp;

use super::finding::Finding;
use super::nodes::Census;
use super::settings::{Injection, Settings};
use crate::arguments::CheckOptions;
use crate::connect::Connection;

use manifest::Wanted;

/// What the Pods are to show.
pub(super) struct Asked<'a> {
    pub(super) image: &'a str,
    pub(super) settings: &'a Settings,
    /// The nodes, as far as they are known.
    pub(super) census: Option<&'a Census>,
    /// The Secrets that Pods of the namespace pull images by already.
    pub(super) pull_secrets: Vec<String>,
    /// Where the operator listens; none if it does not, or is not there.
    pub(super) address: Option<&'a str>,
}

/// Makes the Pods, waits for what they show, removes them, and says what was found.
pub(super) async fn findings(
    connection: &Connection,
    options: &CheckOptions,
    asked: &Asked<'_>,
) -> Vec<Finding> {
    let wanted = wanted(asked);
    let begun = Timestamp::now();
    let shown = run::run(connection, options.timeout, &wanted, begun).await;
    let mut findings: Vec<Finding> = shown
        .iter()
        .map(|(wanted, outcome)| told::of_runner(wanted, outcome, &connection.namespace))
        .collect();
    findings.push(told::of_channel(&shown, asked.address));
    let left = leftover::fetch(connection).await;
    findings.push(leftover::finding(&left, &connection.namespace, &run::prefix(begun), Timestamp::now()));
    findings
}

/// One Pod for each way and each processor. What cannot work by the nodes' own word is not tried.
fn wanted(asked: &Asked<'_>) -> Vec<Wanted> {
    let all_mount = asked.census.is_some_and(Census::all_mount_images);
    let by_volume = match asked.settings.injection {
        Injection::ImageVolume => true,
        Injection::Auto | Injection::InitContainer => all_mount,
    };
    let comes_by = match asked.settings.injection {
        Injection::ImageVolume => Delivery::ImageVolume,
        Injection::Auto if all_mount => Delivery::ImageVolume,
        Injection::Auto | Injection::InitContainer => Delivery::InitContainer,
    };
    let architectures = asked.census.map(Census::architectures).unwrap_or_default();
    // Where all are alike the scheduler may take any.
    let architectures: Vec<Option<String>> =
        if architectures.len() < 2 { vec![None] } else { architectures.into_iter().map(Some).collect() };
    // Naming one replaces those of the ServiceAccount.
    let added = asked.settings.pull_secret.iter();
    let pull_secrets: Vec<String> =
        added.flat_map(|added| asked.pull_secrets.iter().chain([added])).cloned().collect();
    let deliveries = [(Delivery::ImageVolume, by_volume), (Delivery::InitContainer, true)];
    let tried = deliveries.into_iter().filter(|(_, is_tried)| *is_tried).map(|(delivery, _)| delivery);
    tried
        .flat_map(|delivery| architectures.iter().map(move |architecture| (delivery, architecture.clone())))
        .map(|(delivery, architecture)| Wanted {
            delivery,
            architecture,
            image: asked.image.to_owned(),
            pull_secrets: pull_secrets.clone(),
            address: asked.address.map(str::to_owned),
            is_decisive: delivery == comes_by,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::nodes::SeenNode;

    fn check(injection: Injection, nodes: &[(&str, &str)], expect: &[(Delivery, Option<&str>, bool)]) {
        let settings = Settings { injection, ..Settings::default() };
        let census =
            Census::of(nodes.iter().map(|(architecture, kubelet)| SeenNode::linux(architecture, kubelet)));
        let pull_secrets = vec!["mine".to_owned()];
        let asked = Asked {
            image: "hooked:1",
            settings: &settings,
            census: Some(&census),
            pull_secrets,
            address: None,
        };
        let wanted = wanted(&asked);
        let wanted: Vec<_> = wanted
            .iter()
            .map(|wanted| (wanted.delivery, wanted.architecture.as_deref(), wanted.is_decisive))
            .collect();
        assert_eq!(wanted, expect, "{injection:?} {nodes:?}");
    }

    #[test]
    fn each_way_that_nodes_allow_is_tried_on_each_processor() {
        let (volume, container) = (Delivery::ImageVolume, Delivery::InitContainer);
        let new = &[("amd64", "v1.36.0"), ("amd64", "v1.36.0")];
        check(Injection::Auto, new, &[(volume, None, true), (container, None, false)]);
        check(Injection::InitContainer, new, &[(volume, None, false), (container, None, true)]);
        let old = &[("amd64", "v1.34.4")];
        check(Injection::Auto, old, &[(container, None, true)]);
        check(Injection::ImageVolume, old, &[(volume, None, true), (container, None, false)]);
        let mixed = &[("amd64", "v1.34.4"), ("arm64", "v1.36.0")];
        check(Injection::Auto, mixed, &[(container, Some("amd64"), true), (container, Some("arm64"), true)]);
    }
}
