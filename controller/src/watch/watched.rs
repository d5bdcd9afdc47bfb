//! Objects as the client watches them: decoded, never stored.

use std::borrow::Cow;

use hooked_core::injector::SlimWatcher;
use hooked_core::watch::{SlimEvent, SlimPod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::NamespaceResourceScope;
use serde::Deserialize;

/// An object that a watch shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Watched<K>(pub(super) K);

macro_rules! watched {
    ($type:ty, $group:literal, $version:literal, $kind:literal, $plural:literal) => {
        impl Resource for Watched<$type> {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                $version.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.0.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.0.metadata
            }
        }
    };
}

watched!(SlimPod, "", "v1", "Pod", "pods");
watched!(SlimEvent, "", "v1", "Event", "events");
watched!(SlimWatcher, "hooked.dev", "v1alpha1", "HookedWorkload", "hookedworkloads");
