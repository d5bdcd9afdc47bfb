//! What watches cover, and how they watch.

use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use kube_runtime::watcher;

/// What one set of watches covers: a namespace, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(pub(crate) Option<String>);

impl Scope {
    /// Whether objects of `namespace` are in it.
    pub(crate) fn covers(&self, namespace: &str) -> bool {
        self.0.as_deref().is_none_or(|only| only == namespace)
    }

    /// The objects of a kind in it.
    pub(crate) fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.0 {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        }
    }
}

/// A dead connection is noticed after the watch's timeout and 5 s: 295 s by default is too long for people on call.
const WATCH_TIMEOUT_SECONDS: u32 = 30;

/// How objects are watched.
pub(super) fn watch_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_TIMEOUT_SECONDS)
}
