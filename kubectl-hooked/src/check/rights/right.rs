//! One right: to do something to something, somewhere.

use std::fmt;

use k8s_openapi::api::authorization::v1::{NonResourceAttributes, ResourceAttributes};

/// A right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Right {
    verb: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Resource {
        group: String,
        /// With its subresource, such as `pods/log`.
        resource: String,
        /// Of this name alone; of all if empty.
        name: String,
        /// In this namespace alone; in all, and of what is in none, if empty.
        namespace: String,
    },
    Path(String),
}

impl Right {
    /// A right to a resource of a group, wherever.
    pub(in crate::check) fn of(group: &str, resource: &str, verb: &str) -> Self {
        let what = What::Resource {
            group: group.to_owned(),
            resource: resource.to_owned(),
            name: String::new(),
            namespace: String::new(),
        };
        Self { verb: verb.to_owned(), what }
    }

    /// To see all nodes, which no Role can give.
    pub(super) fn to_nodes() -> Self {
        Self::of("", "nodes", "list")
    }

    /// A right to a path that is no resource.
    pub(super) fn of_path(path: &str, verb: &str) -> Self {
        Self { verb: verb.to_owned(), what: What::Path(path.to_owned()) }
    }

    /// The right in one namespace alone.
    #[must_use]
    pub(in crate::check) fn within(mut self, place: &str) -> Self {
        if let What::Resource { namespace, .. } = &mut self.what {
            place.clone_into(namespace);
        }
        self
    }

    /// The right to one object alone.
    #[must_use]
    pub(super) fn named(mut self, object: &str) -> Self {
        if let What::Resource { name, .. } = &mut self.what {
            object.clone_into(name);
        }
        self
    }

    /// The right as a review names it.
    pub(super) fn resource(&self) -> Option<ResourceAttributes> {
        let What::Resource { group, resource, name, namespace } = &self.what else { return None };
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (&**resource, None),
        };
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Some(ResourceAttributes {
            group: given(group),
            resource: Some(resource.to_owned()),
            subresource,
            verb: Some(self.verb.clone()),
            name: given(name),
            namespace: given(namespace),
            ..ResourceAttributes::default()
        })
    }

    /// The same of a path.
    pub(super) fn path(&self) -> Option<NonResourceAttributes> {
        let What::Path(path) = &self.what else { return None };
        Some(NonResourceAttributes { path: Some(path.clone()), verb: Some(self.verb.clone()) })
    }
}

/// As kubectl writes it: `list pods in namespace shop`.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Path(path) => write!(f, "{} {path}", self.verb),
            What::Resource { group, resource, name, namespace } => {
                write!(f, "{} {resource}", self.verb)?;
                if !group.is_empty() {
                    write!(f, ".{group}")?;
                }
                if !name.is_empty() {
                    write!(f, " {name}")?;
                }
                if !namespace.is_empty() {
                    write!(f, " in namespace {namespace}")?;
                }
                Ok(())
            }
        }
    }
}
