//! What of Hooked a cluster has, for commands that tell of it and judge nothing.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;

use super::definition::{self, Definition};
use super::finding::Finding;
use super::settings::Settings;
use super::{operator, version};
use crate::connect::Connection;
use crate::request::RequestError;

/// The label by which a chart tells the version of what it installs.
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// An operator's Deployment.
pub(crate) struct Operator {
    pub(crate) deployment: String,
    pub(crate) image: String,
    /// As a label tells it.
    pub(crate) labelled: Option<String>,
}

/// What a cluster has.
pub(crate) struct Installed {
    /// The version of Kubernetes.
    pub(crate) kubernetes: Result<String, RequestError>,
    pub(crate) operators: Result<Vec<Operator>, RequestError>,
    /// The served versions of the definition; none if there is none, and unknown where it may not be read.
    pub(crate) served: Option<Vec<String>>,
    /// How it stands to the one that this program was built with, in words.
    pub(crate) definition: String,
}

impl Installed {
    /// Asks for it.
    pub(crate) async fn fetch(connection: &Connection, operator_namespace: &str) -> Self {
        let (kubernetes, deployments, definition) = tokio::join!(
            version::fetch(connection),
            operator::fetch(connection, operator_namespace),
            definition::fetch(connection),
        );
        let is_there = deployments.as_ref().is_ok_and(|found| !found.is_empty());
        let Finding { message, .. } = definition::finding(&definition, is_there);
        Self {
            kubernetes: kubernetes.map(|info| info.git_version),
            operators: deployments.map(|found| found.iter().map(Operator::of).collect()),
            served: served(&definition),
            definition: message,
        }
    }
}

impl Operator {
    fn of(deployment: &Deployment) -> Self {
        let labelled = deployment.labels().get(VERSION_LABEL).cloned();
        Self { deployment: deployment.name_any(), image: Settings::of(deployment).image, labelled }
    }
}

fn served(definition: &Result<Definition, RequestError>) -> Option<Vec<String>> {
    match definition {
        Ok(Definition::Whole(definition)) => {
            let served = definition.spec.versions.iter().filter(|version| version.served);
            Some(served.map(|version| version.name.clone()).collect())
        }
        Ok(Definition::Absent) => Some(Vec::new()),
        Ok(Definition::Served(_)) | Err(_) => None,
    }
}
