//! Watches: what happened after a version, as the watch cache tells it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::Failure;
use super::path::Target;
use super::request::Request;
use super::selector::{FieldSelector, LabelSelector};
use super::store::{Change, in_namespace, set_version};
use super::{ApiServer, meta, partial};
use crate::server::resources::{RESOURCES, ResourceId};

/// Which objects a list or a watch is about, besides their namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    /// The one object of a watch on its own path.
    name: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(super) fn of(target: &Target<'_>, request: &Request) -> Result<Self, Failure> {
        let labels = request.parameter("labelSelector");
        let labels = LabelSelector::parse(labels)
            .ok_or_else(|| Failure::bad_request(format!("unable to parse requirement: {labels:?}")))?;
        let fields = FieldSelector::parse(request.parameter("fieldSelector"), target.kind())?;
        Ok(Self { name: target.name.to_owned(), labels, fields })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        (self.name.is_empty() || meta::text(object, "name") == self.name)
            && self.labels.matches(object)
            && self.fields.matches(object)
    }

    pub(super) fn is_everything(&self) -> bool {
        self.name.is_empty() && self.labels.is_empty() && self.fields.is_empty()
    }
}

/// What a client watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSpec {
    resource: ResourceId,
    namespace: String,
    selection: Selection,
    metadata_only: bool,
}

impl WatchSpec {
    /// What a GET with `watch` asks for; the `Status` object if it cannot be asked for.
    pub fn of(request: &Request) -> Result<Self, Value> {
        Self::read(request).map_err(|failure| failure.status())
    }

    fn read(request: &Request) -> Result<Self, Failure> {
        let target = Target::read(&request.path).ok_or_else(Failure::no_such_path)?;
        Ok(Self {
            resource: target.resource,
            namespace: target.namespace.to_owned(),
            selection: Selection::of(&target, request)?,
            metadata_only: request.metadata_only,
        })
    }

    fn shown(&self, object: &Arc<Value>) -> Arc<Value> {
        if self.metadata_only { Arc::new(partial(object)) } else { object.clone() }
    }

    /// What a change is to this watch.
    fn event(&self, change: &Change) -> Option<WatchEvent> {
        if change.resource != self.resource || !in_namespace(&change.key, &self.namespace) {
            return None;
        }
        let seen = |object: &&Arc<Value>| self.selection.matches(object);
        let (before, after) = (change.before.as_ref().filter(seen), change.after.as_ref().filter(seen));
        let (event_type, object) = match (before, after) {
            (None, Some(new)) => (EventType::Added, self.shown(new)),
            (Some(_), Some(new)) => (EventType::Modified, self.shown(new)),
            // What the watch last knew of the object, with the version of the change.
            (Some(old), None) => {
                let mut last = if self.metadata_only { partial(old) } else { Value::clone(old) };
                set_version(&mut last, change.version);
                (EventType::Deleted, Arc::new(last))
            }
            (None, None) => return None,
        };
        Some(WatchEvent { event_type, object, version: change.version })
    }
}

/// The type of a watch event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// The object is new, or newly selected.
    Added,
    /// The object has changed.
    Modified,
    /// The object is gone, or no longer selected.
    Deleted,
    /// Nothing happened up to a version.
    Bookmark,
}

impl EventType {
    /// The name on the wire: `ADDED`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
        }
    }
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchEvent {
    /// What happened.
    pub event_type: EventType,
    /// The object after it; a deleted object as it was before, with the version of its deletion.
    pub object: Arc<Value>,
    /// The version from which a watch goes on after it.
    pub version: u64,
}

impl WatchEvent {
    /// The event as it stands on the wire.
    pub fn to_json(&self) -> Value {
        json!({"type": self.event_type.name(), "object": *self.object})
    }
}

/// The answer to a watch from a version that is compacted: 410.
#[derive(Clone, Debug, PartialEq)]
pub struct Expired {
    /// The `Status` object that the client gets, as the object of an `ERROR` event.
    pub status: Value,
}

impl ApiServer {
    /// The events of a watch after a version.
    pub fn events_since(&self, watch: &WatchSpec, version: u64) -> Result<Vec<WatchEvent>, Expired> {
        if version < self.store.compacted() {
            let message = format!("too old resource version: {version} ({})", self.store.compacted());
            return Err(Expired { status: Failure::expired(message).status() });
        }
        Ok(self.store.since(version).filter_map(|change| watch.event(change)).collect())
    }

    /// What a watch without a version begins with: every object that is there.
    pub fn initial_events(&self, watch: &WatchSpec) -> Vec<WatchEvent> {
        let all = self.store.range(watch.resource, &watch.namespace, "");
        let version = self.version();
        all.filter(|(_, object)| watch.selection.matches(object))
            .map(|(_, object)| WatchEvent {
                event_type: EventType::Added,
                object: watch.shown(object),
                version,
            })
            .collect()
    }

    /// A bookmark of the current version. The one that ends a watch's initial events says so.
    pub fn bookmark(&self, watch: &WatchSpec, ends_initial_events: bool) -> WatchEvent {
        let (kind, version) = (&RESOURCES[watch.resource], self.version());
        let mut object = json!({
            "kind": if watch.metadata_only { "PartialObjectMetadata" } else { kind.kind },
            "apiVersion": if watch.metadata_only { "meta.k8s.io/v1".to_owned() } else { kind.api_version() },
            "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
        });
        if ends_initial_events {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        WatchEvent { event_type: EventType::Bookmark, object: Arc::new(object), version }
    }
}
