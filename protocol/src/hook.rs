//! The two lifecycle hooks of a container.

/// Which lifecycle hook: `PostStart` or `PreStop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Hook {
    /// Runs beside the entrypoint when a container has started.
    PostStart,
    /// Runs before the stop signal when a container is to be stopped.
    PreStop,
}

impl Hook {
    /// The hook's name, as in the API: `PostStart` or `PreStop`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostStart => "PostStart",
            Self::PreStop => "PreStop",
        }
    }

    /// The hook of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::PostStart, Self::PreStop].into_iter().find(|hook| hook.name() == name)
    }
}
