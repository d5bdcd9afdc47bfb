//! `kubectl hooked version`: of this program and of what the cluster has, and whether they go together.

mod skew;

use hooked_core::names;
use serde::Serialize;
use thiserror::Error;

use crate::arguments::{ClusterFlags, VersionOptions};
use crate::check::Installed;
use crate::connect::{ConnectError, connect};
use crate::end::End;
use crate::print::{PrintError, Screen, document};
use crate::render::{Line, labelled};

/// Where values begin.
const VALUES: usize = 14;
/// The version of this program.
pub(crate) const CLIENT: &str = env!("CARGO_PKG_VERSION");

/// Why nothing was said.
#[derive(Debug, Error)]
pub(crate) enum VersionError {
    /// There is no cluster to ask.
    #[error("{0}; --client shows the version of this program alone")]
    Connect(#[from] ConnectError),
    /// It was not printed.
    #[error(transparent)]
    Print(#[from] PrintError),
}

/// The versions of both sides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Versions {
    pub(crate) client: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Server>,
}

/// This program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Client {
    pub(crate) version: &'static str,
    /// The API that it knows.
    pub(crate) api_version: &'static str,
}

/// What the cluster has. What could not be had is null, and told of in `notes`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Server {
    pub(crate) kubernetes: Option<String>,
    pub(crate) operators: Vec<Operator>,
    /// The versions of HookedWorkload that are served.
    pub(crate) served: Option<Vec<String>>,
    /// How the definition stands to this program, in words.
    pub(crate) definition: String,
    pub(crate) notes: Vec<String>,
}

/// An operator.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operator {
    pub(crate) deployment: String,
    pub(crate) image: String,
    pub(crate) version: Option<String>,
    /// How it stands to this program, in words.
    pub(crate) skew: String,
}

/// Runs the command.
pub(crate) async fn run(
    flags: &ClusterFlags,
    options: &VersionOptions,
    screen: &Screen,
) -> Result<End, VersionError> {
    let server = if options.client {
        None
    } else {
        Some(Server::of(Installed::fetch(&connect(flags).await?, &options.operator_namespace).await))
    };
    let versions = Versions { client: client(), server };
    match options.output {
        Some(format) => document(&versions, format)?,
        None => screen.show(&lines(&versions, screen.width))?,
    }
    let is_answered = versions.server.is_none_or(|server| server.kubernetes.is_some());
    Ok(if is_answered { End::Done } else { End::Problem })
}

pub(crate) fn client() -> Client {
    Client { version: CLIENT, api_version: names::API_VERSION }
}

impl Server {
    pub(crate) fn of(installed: Installed) -> Self {
        let Installed { kubernetes, operators, served, definition } = installed;
        let mut notes = Vec::new();
        let mut told = |what: &str, error: &dyn std::fmt::Display| notes.push(format!("{what}: {error}"));
        let kubernetes =
            kubernetes.map_err(|error| told("the API server's version is not known", &error)).ok();
        let operators = operators.map_err(|error| told("the operator's version is not known", &error));
        let operators = operators.unwrap_or_default().into_iter().map(|operator| {
            let version = skew::version(operator.labelled.as_deref(), &operator.image);
            let skew = skew::words(CLIENT, version.as_deref());
            Operator { deployment: operator.deployment, image: operator.image, version, skew }
        });
        let operators = operators.collect();
        Self { kubernetes, operators, served, definition, notes }
    }
}

fn lines(versions: &Versions, width: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |label: &str, words: &str| {
        lines.extend(labelled(label, VALUES, Line::new(), words, width));
    };
    let Versions { client, server } = versions;
    add("Client", &format!("{} ({})", client.version, client.api_version));
    let Some(server) = server else { return lines };
    for Operator { deployment, image, version, skew } in &server.operators {
        let version = version.as_deref().unwrap_or("unknown");
        add("Operator", &format!("{version} ({deployment}, image {image}): {skew}"));
    }
    if server.operators.is_empty() && server.notes.is_empty() {
        add("Operator", "none; --operator-namespace names another namespace");
    }
    add("Definition", &server.definition);
    if let Some(kubernetes) = &server.kubernetes {
        add("Kubernetes", kubernetes);
    }
    for note in &server.notes {
        add("Note", note);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::served::{Served, bare, forbidden, installed};

    async fn check(cluster: Served, expect: &[&str]) {
        let server = Server::of(Installed::fetch(&cluster.connection(), "hooked-system").await);
        let lines = lines(&Versions { client: client(), server: Some(server) }, None);
        let text: Vec<_> = lines.iter().map(|line| line.text(false)).collect();
        assert_eq!(text, expect);
    }

    #[tokio::test]
    async fn versions_of_both_sides_are_told_as_far_as_they_may_be_known() {
        let client = format!("Client        {CLIENT} (hooked.dev/v1alpha1)");
        check(
            Served::new(installed),
            &[
                &client,
                "Operator      unknown (hooked-controller, image hooked:1): the image names no version, so that it cannot \
                 be held against this program's",
                "Definition    v1alpha1, with all fields that this program knows",
                "Kubernetes    v1.36.3",
            ],
        )
        .await;
        check(
            Served::new(bare),
            &[
                &client,
                "Operator      none; --operator-namespace names another namespace",
                "Definition    HookedWorkloads are not defined yet: the installation does it",
                "Kubernetes    v1.36.3",
            ],
        )
        .await;
        let refused = Served::new(|method, path, query, body| {
            if path.contains("deployments") { forbidden() } else { installed(method, path, query, body) }
        });
        check(
            refused,
            &[
                &client,
                "Definition    v1alpha1, with all fields that this program knows",
                "Kubernetes    v1.36.3",
                "Note          the operator's version is not known: you may not list deployments.apps in namespace \
                 hooked-system: ask for a role that allows it, such as the ClusterRole view",
            ],
        )
        .await;
    }

    #[test]
    fn for_programs_the_client_alone_has_no_server() {
        let value = serde_json::to_value(Versions { client: client(), server: None }).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"client": {"version": CLIENT, "apiVersion": "hooked.dev/v1alpha1"}})
        );
    }
}
