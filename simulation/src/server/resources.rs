//! The resources that the server knows.

/// One resource of the API, as its discovery document tells of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version of the group.
    pub version: &'static str,
    /// The name in paths.
    pub plural: &'static str,
    /// The kind of its objects.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether it has the subresource `status`.
    pub status: bool,
    /// Whether it has the subresource `scale`.
    pub scale: bool,
    /// How its registry behaves.
    pub(crate) traits: Traits,
}

/// In what a resource's registry differs from others.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own about a resource, and a table is what they make.
pub(crate) struct Traits {
    /// `metadata.generation` is counted.
    pub(crate) generation: bool,
    /// A PUT needs no resourceVersion.
    pub(crate) unconditional: bool,
    /// A PUT of an absent object creates it.
    pub(crate) create_on_update: bool,
    /// A delete answers with the object; the others answer with a Status.
    pub(crate) returns_deleted: bool,
    /// A custom resource: other patches, other texts.
    pub(crate) custom: bool,
}

const PLAIN: Traits = Traits {
    generation: false,
    unconditional: true,
    create_on_update: false,
    returns_deleted: false,
    custom: false,
};

const fn resource(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
    traits: Traits,
) -> Resource {
    Resource { group, version, plural, kind, namespaced: true, status: false, scale: false, traits }
}

/// All resources. The garbage collector goes through them in this order.
pub(crate) static RESOURCES: [Resource; 14] = [
    Resource {
        status: true,
        ..resource("", "v1", "pods", "Pod", Traits { generation: true, returns_deleted: true, ..PLAIN })
    },
    resource("", "v1", "events", "Event", Traits { create_on_update: true, ..PLAIN }),
    Resource { namespaced: false, status: true, ..resource("", "v1", "nodes", "Node", PLAIN) },
    Resource {
        status: true,
        ..resource(
            "",
            "v1",
            "services",
            "Service",
            Traits { create_on_update: true, returns_deleted: true, ..PLAIN },
        )
    },
    resource("", "v1", "secrets", "Secret", PLAIN),
    resource("", "v1", "configmaps", "ConfigMap", PLAIN),
    Resource {
        namespaced: false,
        status: true,
        ..resource("", "v1", "namespaces", "Namespace", Traits { returns_deleted: true, ..PLAIN })
    },
    resource(
        "",
        "v1",
        "podtemplates",
        "PodTemplate",
        Traits { generation: true, returns_deleted: true, ..PLAIN },
    ),
    resource("apps", "v1", "controllerrevisions", "ControllerRevision", PLAIN),
    Resource {
        status: true,
        scale: true,
        ..resource("apps", "v1", "replicasets", "ReplicaSet", Traits { generation: true, ..PLAIN })
    },
    Resource {
        status: true,
        scale: true,
        ..resource("apps", "v1", "deployments", "Deployment", Traits { generation: true, ..PLAIN })
    },
    resource(
        "coordination.k8s.io",
        "v1",
        "leases",
        "Lease",
        Traits { create_on_update: true, unconditional: false, ..PLAIN },
    ),
    resource("events.k8s.io", "v1", "events", "Event", Traits { create_on_update: true, ..PLAIN }),
    Resource {
        status: true,
        scale: true,
        ..resource(
            "hooked.dev",
            "v1alpha1",
            "hookedworkloads",
            "HookedWorkload",
            Traits { generation: true, unconditional: false, custom: true, ..PLAIN },
        )
    },
];

/// Where a resource stands in [`RESOURCES`].
pub(crate) type ResourceId = usize;

impl Resource {
    /// `v1`, `apps/v1`
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// How messages name the resource: `pods`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        Self::qualify(self.plural, self.group)
    }

    /// How messages about invalid objects name the kind: `Pod`, `Deployment.apps`.
    pub(crate) fn qualified_kind(&self) -> String {
        Self::qualify(self.kind, self.group)
    }

    fn qualify(name: &str, group: &str) -> String {
        if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
    }

    /// The path of its objects in a namespace, or in all for an empty one.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}", self.api_version())
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }
}

/// The resource of that group, version and name.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<ResourceId> {
    let is_it = |one: &Resource| one.plural == plural && one.group == group && one.version == version;
    RESOURCES.iter().position(is_it)
}
