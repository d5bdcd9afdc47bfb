//! Kinds of objects that are told to let go, that take over, or that point at one or the other.

/// A kind, and where its objects are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// With its version; `v1` for the core group.
    pub(crate) api: &'static str,
    pub(crate) name: &'static str,
    /// The name in paths.
    pub(crate) plural: &'static str,
}

pub(crate) const DEPLOYMENT: Kind = Kind { api: "apps/v1", name: "Deployment", plural: "deployments" };
pub(crate) const REPLICA_SET: Kind = Kind { api: "apps/v1", name: "ReplicaSet", plural: "replicasets" };
pub(crate) const REVISION: Kind =
    Kind { api: "apps/v1", name: "ControllerRevision", plural: "controllerrevisions" };
pub(crate) const POD: Kind = Kind { api: "v1", name: "Pod", plural: "pods" };
pub(crate) const WORKLOAD: Kind = Kind {
    api: hooked_core::names::API_VERSION,
    name: hooked_core::names::KIND,
    plural: hooked_core::names::PLURAL,
};

impl Kind {
    /// The path of its objects in a namespace, in all for an empty one.
    pub(crate) fn path(self, namespace: &str) -> String {
        let within = if namespace.is_empty() { String::new() } else { format!("namespaces/{namespace}/") };
        format!("{}/{within}{}", self.discovery(), self.plural)
    }

    /// Where the server lists the kinds of its API version.
    pub(crate) fn discovery(self) -> String {
        let root = if self.api.contains('/') { "apis" } else { "api" };
        format!("/{root}/{}", self.api)
    }

    /// The resource as roles name it.
    pub(crate) fn resource(self) -> String {
        match self.api.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.to_owned(),
        }
    }
}
