//! Why the `CustomResourceDefinition` could not be built.

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
