//! `kubectl hooked check`: what is, or would be, in the way of Hooked in a cluster, before and after an installation.
//!
//! Each file looks at one thing: `fetch` asks for it, and a pure function makes a finding of the answer, or of there
//! being none. What may not be read makes a finding unknown, and keeps no other from being made. Nothing is written but
//! by [`pod`], which is asked for.

mod channel;
mod definition;
mod finding;
mod installed;
pub(crate) mod leader;
mod network;
mod nodes;
mod operator;
mod pod;
mod policies;
mod prometheus;
mod replicas;
mod report;
mod rights;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod version;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use thiserror::Error;

use crate::arguments::CheckOptions;
use crate::connect::Connection;
use crate::end::End;
use crate::print::{PrintError, Screen, document};
use crate::request::RequestError;

pub(crate) use installed::Installed;
pub(crate) use replicas::LABELS;

use definition::Definition;
use finding::{Check, Finding, Verdict};
use report::{Report, worst};
use settings::Settings;

/// The image before anybody has said another.
const IMAGE: &str = "hooked.dev/hooked:dev";

/// Why nothing was said.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// Runs the command.
pub(crate) async fn run(
    connection: &Connection,
    options: &CheckOptions,
    screen: &Screen,
) -> Result<End, CheckError> {
    let report = look(connection, options).await;
    match options.output {
        Some(format) => document(&report, format)?,
        None => screen.show(&text::lines(&report, screen.width))?,
    }
    Ok(report.end())
}

/// What the command finds without making Pods, for others to keep.
pub(crate) async fn findings(
    connection: &Connection,
    operator_namespace: &str,
) -> impl serde::Serialize + use<> {
    let options = CheckOptions {
        with_pod: false,
        timeout: std::time::Duration::ZERO,
        operator_namespace: operator_namespace.to_owned(),
        runner_image: None,
        prometheus: None,
        output: None,
    };
    look(connection, &options).await
}

/// Looks at everything.
async fn look(connection: &Connection, options: &CheckOptions) -> Report {
    let first = version::finding(&version::fetch(connection).await);
    // A server that does not answer would be waited for again and again.
    let answers = first.verdict != Verdict::Unknown;
    let mut findings = vec![first];
    let mut installed = None;
    if answers {
        let (is_installed, rest) = look_at_all(connection, options).await;
        installed = is_installed;
        findings.extend(rest);
    }
    Report {
        namespace: connection.namespace.clone(),
        operator_namespace: options.operator_namespace.clone(),
        installed,
        verdict: worst(&findings),
        findings,
    }
}

/// What is known of an installation.
struct Installation {
    definition: Result<Definition, RequestError>,
    deployments: Result<Vec<Deployment>, RequestError>,
    /// The operator's own.
    pods: Result<Vec<Pod>, RequestError>,
}

impl Installation {
    async fn fetch(connection: &Connection, operator: &str) -> Self {
        let definition = definition::fetch(connection);
        let deployments = operator::fetch(connection, operator);
        let pods = replicas::fetch(connection, operator);
        let (definition, deployments, pods) = tokio::join!(definition, deployments, pods);
        Self { definition, deployments, pods }
    }

    /// None if that cannot be known.
    fn is_defined(&self) -> Option<bool> {
        self.definition.as_ref().ok().map(|definition| !matches!(definition, Definition::Absent))
    }

    /// None if that cannot be known.
    fn has_operator(&self) -> Option<bool> {
        self.deployments.as_ref().ok().map(|deployments| !deployments.is_empty())
    }

    /// Whether any of it is there; none if that cannot be known.
    fn is_there(&self) -> Option<bool> {
        match (self.is_defined(), self.has_operator()) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false) | None) => Some(false),
            (None, Some(false) | None) => None,
        }
    }

    /// What the operator is told; none where there is none, or it may not be seen.
    fn settings(&self) -> Option<Settings> {
        self.deployments.as_ref().ok()?.first().map(Settings::of)
    }
}

async fn look_at_all(connection: &Connection, options: &CheckOptions) -> (Option<bool>, Vec<Finding>) {
    let operator = &*options.operator_namespace;
    let installation = Installation::fetch(connection, operator).await;
    let is_installed = installation.is_there().unwrap_or(true);
    let known = installation.settings();
    let settings = known.clone().unwrap_or_else(|| Settings { listens: true, ..Settings::default() });
    let image =
        options.runner_image.clone().or_else(|| known.as_ref().map(|known| known.runner_image.clone()));
    let image = image.filter(|image| !image.is_empty()).unwrap_or_else(|| IMAGE.to_owned());

    let mine =
        if is_installed { rights::of_user(&connection.namespace) } else { rights::of_installer(operator) };
    let (mine, census, trial, policies, monitoring) = tokio::join!(
        rights::missing(connection, mine),
        nodes::fetch(connection),
        policies::fetch(connection, &image),
        network::fetch(connection, operator),
        prometheus::fetch(connection, operator, options.prometheus.as_ref()),
    );
    let by_volume = census.as_ref().is_ok_and(nodes::Census::all_mount_images);

    let mut findings =
        vec![definition::finding(&installation.definition, installation.has_operator() == Some(true))];
    let is_defined = installation.is_defined() == Some(true);
    findings.extend(operator::findings(
        &installation.deployments,
        &installation.pods,
        &connection.namespace,
        operator,
        is_defined,
    ));
    let AtOperator { findings: of_operator, address, sees_nodes } =
        look_at_operator(connection, operator, known.as_ref()).await;
    let settings = if sees_nodes { settings } else { settings.without_nodes() };
    findings.extend(of_operator);
    findings.push(rights::yours(&mine, is_installed));
    findings.extend(nodes::findings(&census, &settings));
    findings.push(policies::finding(&trial, &connection.namespace, settings.injection, by_volume));
    findings.push(network::finding(&policies, &connection.namespace, operator));
    findings.push(prometheus::finding(&monitoring, is_installed));
    if options.with_pod {
        let census = census.as_ref().ok();
        let pull_secrets = trial.as_ref().map(policies::Trial::pull_secrets).unwrap_or_default();
        let asked = pod::Asked {
            image: &image,
            settings: &settings,
            census,
            pull_secrets,
            address: address.as_deref(),
        };
        findings.extend(pod::findings(connection, options, &asked).await);
    } else {
        let words = "--with-pod makes a Pod that shows it: pull, noexec, processor, the way to the operator";
        findings.push(Finding::not_checked(Check::RunnerByInitContainer, words));
    }
    (installation.is_there(), findings)
}

/// What only an operator that is there can show.
struct AtOperator {
    findings: Vec<Finding>,
    /// Where Pods are to reach it.
    address: Option<String>,
    sees_nodes: bool,
}

async fn look_at_operator(
    connection: &Connection,
    operator: &str,
    settings: Option<&Settings>,
) -> AtOperator {
    let Some(settings) = settings else {
        return AtOperator { findings: Vec::new(), address: None, sees_nodes: true };
    };
    let (lease, missing, channel) = tokio::join!(
        leader::fetch(connection, operator),
        rights::missing_to_operator(connection, operator, settings),
        channel::fetch(connection, operator),
    );
    let mut findings = Vec::new();
    if settings.leader_elect {
        findings.push(leader::finding(&lease, Timestamp::now()));
    }
    findings.push(rights::operators(&missing, &settings.namespaces));
    findings.push(channel::finding(&channel, settings));
    let address = channel::address(&channel, settings);
    AtOperator { findings, address, sees_nodes: rights::sees_nodes(&missing) }
}
