//! What a path names.

use super::resources::{self, RESOURCES, Resource, ResourceId};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) resource: ResourceId,
    /// Empty for all namespaces, and where there are none.
    pub(crate) namespace: &'a str,
    /// Empty for a collection.
    pub(crate) name: &'a str,
    pub(crate) subresource: Subresource,
}

/// A part of an object with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    None,
    Status,
    Scale,
    Binding,
}

impl<'a> Target<'a> {
    /// Reads a path; none if the server has no such resource.
    pub(crate) fn read(path: &'a str) -> Option<Self> {
        let mut words = path.strip_prefix('/')?.split('/');
        let (group, version) = match words.next()? {
            "api" => ("", words.next()?),
            "apis" => (words.next()?, words.next()?),
            _ => return None,
        };
        let rest = words.collect::<Vec<_>>();
        let (namespace, plural, rest) = match rest.as_slice() {
            ["namespaces", namespace, plural, rest @ ..] if !matches!(*plural, "status" | "finalize") => {
                (*namespace, *plural, rest)
            }
            [plural, rest @ ..] => ("", *plural, rest),
            [] => return None,
        };
        let resource = resources::find(group, version, plural)?;
        let (name, subresource) = match rest {
            [] => ("", Subresource::None),
            [name] => (*name, Subresource::None),
            [name, subresource] => (*name, Subresource::read(subresource, &RESOURCES[resource])?),
            _ => return None,
        };
        let fits = RESOURCES[resource].namespaced || namespace.is_empty();
        (fits && (name.is_empty() || namespace.is_empty() != RESOURCES[resource].namespaced))
            .then_some(Self { resource, namespace, name, subresource })
    }

    pub(crate) fn kind(&self) -> &'static Resource {
        &RESOURCES[self.resource]
    }

    /// Where the object stands in the store.
    pub(crate) fn key(&self) -> String {
        key(self.namespace, self.name)
    }
}

/// Where an object stands in the store.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    let mut key = String::with_capacity(namespace.len() + name.len() + 1);
    key.push_str(namespace);
    key.push('/');
    key.push_str(name);
    key
}

impl Subresource {
    fn read(name: &str, of: &Resource) -> Option<Self> {
        match name {
            "status" if of.status => Some(Self::Status),
            "scale" if of.scale => Some(Self::Scale),
            "binding" if of.kind == "Pod" => Some(Self::Binding),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<(&str, &str, &str, Subresource)>) {
        let target = Target::read(path);
        let read = target.map(|it| (it.kind().plural, it.namespace, it.name, it.subresource));
        assert_eq!(read, expect, "{path}");
    }

    #[test]
    fn a_path_names_a_collection_an_object_or_a_subresource() {
        use Subresource::{None as Whole, Scale, Status};
        check("/api/v1/pods", Some(("pods", "", "", Whole)));
        check("/api/v1/namespaces/a/pods", Some(("pods", "a", "", Whole)));
        check("/api/v1/namespaces/a/pods/b/status", Some(("pods", "a", "b", Status)));
        check("/api/v1/namespaces/a", Some(("namespaces", "", "a", Whole)));
        check("/api/v1/namespaces/a/status", Some(("namespaces", "", "a", Status)));
        check("/api/v1/nodes/n", Some(("nodes", "", "n", Whole)));
        check("/apis/apps/v1/namespaces/a/deployments/d/scale", Some(("deployments", "a", "d", Scale)));
    }

    #[test]
    fn a_path_of_no_resource_is_not_found() {
        for path in [
            "",
            "/",
            "/api",
            "/api/v1",
            "/apis/apps/v2/deployments",
            "/api/v1/namespaces/a/pods/b/scale",
            "/api/v1/pods/b",
            "/api/v1/namespaces/a/nodes/n",
        ] {
            check(path, None);
        }
    }
}
