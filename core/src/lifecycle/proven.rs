//! What a Pod proves of the hook-runner.

/// Where the hook-runner was seen to run from an image volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proven {
    /// The image that is mounted.
    pub image: String,
    /// The Pod's runtime class; empty for the node's own runtime.
    pub runtime_class: String,
    /// The architecture that the program is for which has run, such as `amd64`.
    pub architecture: String,
}
