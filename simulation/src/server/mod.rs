//! The API server: requests in, replies and watch events out.

mod create;
mod defaults;
mod delete;
mod failure;
mod garbage;
mod meta;
mod patch;
mod path;
mod policy;
mod read;
mod request;
mod resources;
mod scale;
mod selector;
mod store;
mod strict;
#[cfg(test)]
mod tests;
mod update;
mod validate;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use policy::{Quota, Refusal, Verb};
pub use request::{ContentType, Method, Reply, Request};
pub use resources::Resource;
pub use selector::LabelSelector;
pub use watch::{EventType, Expired, WatchEvent, WatchSpec};

use failure::Failure;
use path::{Subresource, Target};
use policy::Policies;
use store::Store;

/// An API server that keeps its objects in memory. A clone is a server of its own with the same objects.
#[derive(Clone, Debug)]
pub struct ApiServer {
    store: Store,
    policies: Policies,
    /// How many UIDs and generated names there are.
    names: u64,
    /// The version at which the garbage collector last found nothing to do.
    clean: u64,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiServer {
    /// A server without objects. Every namespace that a request names is taken to exist.
    pub fn new() -> Self {
        Self { store: Store::new(), policies: Policies::default(), names: 0, clean: 0 }
    }

    /// Answers one request at one time. A GET with `watch` is answered as the list that it also is: watches
    /// are served by [`Self::events_since`].
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Reply {
        let reply = self.answer(request, now).unwrap_or_else(|failure| failure.reply());
        if request.metadata_only && reply.is_success() { only_metadata(reply) } else { reply }
    }

    /// The version of the latest change of any object.
    pub fn version(&self) -> u64 {
        self.store.version()
    }

    /// Forgets what happened up to a version: watches and continued lists from before it get 410.
    pub fn compact(&mut self, up_to: u64) {
        self.store.compact(up_to);
    }

    /// The resource of that group and name, such as `("apps", "deployments")`.
    pub fn resource(group: &str, plural: &str) -> Option<&'static Resource> {
        resources::RESOURCES.iter().find(|one| one.group == group && one.plural == plural)
    }

    /// An object as it is now, past all policies: for tests that look at the truth.
    pub fn object(&self, path: &str) -> Option<&Arc<Value>> {
        let target = Target::read(path)?;
        self.store.get(target.resource, &target.key())
    }

    /// All objects of a collection's path as they are now, in the order of their names.
    pub fn objects<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Arc<Value>> {
        let target = Target::read(path);
        target
            .into_iter()
            .flat_map(|it| self.store.range(it.resource, it.namespace, ""))
            .map(|(_, object)| object)
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Failure> {
        let target = Target::read(&request.path).ok_or_else(Failure::no_such_path)?;
        let body = || match &request.body {
            Some(body) if body.is_object() || request.content_type == ContentType::JsonPatch => Ok(body),
            _ => Err(Failure::bad_request("the body of the request is no object")),
        };
        match (target.subresource, request.method) {
            (Subresource::None, Method::Get) if target.name.is_empty() => self.list(&target, request),
            (Subresource::None | Subresource::Status, Method::Get) => self.get(&target),
            (Subresource::None, Method::Post) if target.name.is_empty() => {
                let mut object = body()?.clone();
                let is_strict = request.parameter("fieldValidation") == "Strict";
                strict::validate(target.kind(), &mut object, is_strict)?;
                self.create(&target, object, request.dry_run(), now)
            }
            (Subresource::None, Method::Delete) if !target.name.is_empty() => {
                self.delete(&target, request, now)
            }
            (Subresource::Binding, Method::Post) => self.bind(&target, body()?, now),
            (Subresource::Scale, method) if method != Method::Post && method != Method::Delete => {
                self.scale(&target, request)
            }
            (Subresource::None | Subresource::Status, Method::Put) if !target.name.is_empty() => {
                self.replace(&target, body()?, request.dry_run(), now)
            }
            (Subresource::None | Subresource::Status, Method::Patch) if !target.name.is_empty() => {
                let (patch, kind) = (body()?, request.content_type);
                self.patch(&target, patch, kind, request.dry_run())
            }
            _ => Err(Failure::method_not_allowed()),
        }
    }

    /// A UUID that no other object has.
    fn next_uid(&mut self) -> String {
        self.names += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.names)
    }

    /// Five letters for a generated name.
    fn next_suffix(&mut self) -> String {
        const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        self.names += 1;
        let mut rest = self.names;
        let letters = std::iter::repeat_with(|| {
            let letter = LETTERS[usize::try_from(rest % 27).unwrap_or_default()];
            rest /= 27;
            char::from(letter)
        });
        letters.take(5).collect()
    }
}

/// The reply of a client that accepts only metadata.
fn only_metadata(reply: Reply) -> Reply {
    let body = &*reply.body;
    let partial = if let Some(items) = body["items"].as_array() {
        json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": body["metadata"],
            "items": items.iter().map(partial).collect::<Vec<_>>(),
        })
    } else if body["kind"] == "Status" {
        return reply;
    } else {
        partial(body)
    };
    Reply { body: Arc::new(partial), ..reply }
}

/// The `PartialObjectMetadata` of an object.
fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn ok(code: u16, body: Arc<Value>) -> Reply {
    Reply { code, body }
}
