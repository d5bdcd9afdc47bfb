//! The `CustomResourceDefinition`: what derive writes, and the parts of it that derive cannot write.

mod columns;
mod lists;
mod rules;
mod selector;
mod template;
mod tidy;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub(crate) use lists::{conditions, hooks, kills, ledger};
pub(crate) use selector::selector;
pub(crate) use template::{int_or_percent, pod_template};

/// Where a `CustomResourceDefinition` keeps the schema of its only version.
const SCHEMA: &str = "/spec/versions/0/schema/openAPIV3Schema";

/// The `CustomResourceDefinition` could not be built: a fault of this crate that its tests would show.
#[derive(Debug)]
pub enum Error {
    /// The definition and JSON do not convert into each other.
    Json(serde_json::Error),
    /// A rule or a column is meant for a place that the definition does not have.
    NoSuchPlace(String),
    /// The definition cannot be written as YAML.
    Yaml(serde_saphyr::ser::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the CustomResourceDefinition is not what it should be: {error}"),
            Self::NoSuchPlace(place) => write!(f, "the CustomResourceDefinition has no {place}"),
            Self::Yaml(error) => write!(f, "the CustomResourceDefinition cannot be written as YAML: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// The `CustomResourceDefinition` of HookedWorkloads, as it is installed.
pub fn custom_resource_definition() -> Result<CustomResourceDefinition, Error> {
    let mut definition = serde_json::to_value(crate::HookedWorkload::crd()).map_err(Error::Json)?;
    let schema = definition.pointer_mut(SCHEMA).ok_or_else(|| Error::NoSuchPlace(SCHEMA.to_owned()))?;
    tidy::tidy(schema);
    rules::add_to(schema)?;
    columns::add_to(&mut definition)?;
    serde_json::from_value(definition).map_err(Error::Json)
}

/// The same as YAML, as `config/crd` holds it.
pub fn custom_resource_definition_yaml() -> Result<String, Error> {
    // By way of a Value: its maps are sorted, so that the file changes only where the definition does.
    let mut definition = serde_json::to_value(custom_resource_definition()?).map_err(Error::Json)?;
    tidy::write_whole_numbers_whole(&mut definition);
    serde_saphyr::to_string(&definition).map_err(Error::Yaml)
}
