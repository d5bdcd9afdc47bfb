//! The workload of others whose Pods a HookedWorkload watches.

/// What the API server says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    There,
    /// There is none of that kind and name.
    NotThere,
    /// The operator may not read it.
    Forbidden {
        /// What a role must name, such as `clonesets.apps.kruise.io`.
        resource: String,
    },
    /// The API server knows no such kind, or its objects are in no namespace.
    UnknownKind,
    /// It could not be asked, for this reason.
    Unchecked(String),
}
