//! All objects, and everything that ever happened to them since the last compaction.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::meta;
use super::resources::{RESOURCES, ResourceId};

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) resource: ResourceId,
    pub(crate) key: Arc<str>,
    pub(crate) before: Option<Arc<Value>>,
    pub(crate) after: Option<Arc<Value>>,
}

/// The state behind the API.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    version: u64,
    compacted: u64,
    /// By resource, then by key.
    objects: Vec<BTreeMap<Arc<str>, Arc<Value>>>,
    by_uid: BTreeMap<String, (ResourceId, Arc<str>)>,
    log: VecDeque<Change>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            version: 1,
            compacted: 0,
            objects: vec![BTreeMap::new(); RESOURCES.len()],
            by_uid: BTreeMap::new(),
            log: VecDeque::new(),
        }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(crate) fn get(&self, resource: ResourceId, key: &str) -> Option<&Arc<Value>> {
        self.objects[resource].get(key)
    }

    /// The object with that UID.
    pub(crate) fn find(&self, uid: &str) -> Option<(ResourceId, &str, &Arc<Value>)> {
        let (resource, key) = self.by_uid.get(uid)?;
        Some((*resource, key, self.objects[*resource].get(key)?))
    }

    pub(crate) fn all(&self, resource: ResourceId) -> impl Iterator<Item = (&str, &Arc<Value>)> {
        self.objects[resource].iter().map(|(key, object)| (&**key, object))
    }

    pub(crate) fn len(&self, resource: ResourceId, namespace: &str) -> usize {
        self.range(resource, namespace, "").count()
    }

    /// The objects of a namespace, or of all if it is empty, after a key.
    pub(crate) fn range<'a>(
        &'a self,
        resource: ResourceId,
        namespace: &'a str,
        after: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Value>)> {
        // Keys with the same beginning stand together.
        let first = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let from =
            if after > first.as_str() { Bound::Excluded(after) } else { Bound::Included(first.as_str()) };
        self.objects[resource]
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| in_namespace(key, namespace))
    }

    /// The objects of a namespace as they were at an earlier version, after a key.
    pub(crate) fn range_at(
        &self,
        resource: ResourceId,
        namespace: &str,
        after: &str,
        version: u64,
    ) -> Vec<(Arc<str>, Arc<Value>)> {
        let now = self.range(resource, namespace, after);
        let mut then: BTreeMap<Arc<str>, Arc<Value>> =
            now.map(|(key, object)| (key.clone(), object.clone())).collect();
        let later = self.since(version).filter(|change| change.resource == resource);
        for change in later.rev() {
            if &*change.key <= after || !in_namespace(&change.key, namespace) {
                continue;
            }
            match &change.before {
                Some(object) => drop(then.insert(change.key.clone(), object.clone())),
                None => drop(then.remove(&change.key)),
            }
        }
        then.into_iter().collect()
    }

    /// What happened after a version.
    pub(crate) fn since(&self, version: u64) -> impl DoubleEndedIterator<Item = &Change> {
        let first = self.log.partition_point(|change| change.version <= version);
        self.log.range(first..)
    }

    /// Stores an object under the next version.
    pub(crate) fn put(&mut self, resource: ResourceId, key: &str, mut object: Value) -> Arc<Value> {
        let version = self.stamp(&mut object);
        let object = Arc::new(object);
        let known = self.objects[resource].get_key_value(key);
        let (key, before) = match known {
            Some((key, before)) => (key.clone(), Some(before.clone())),
            None => (Arc::from(key), None),
        };
        if before.is_none() {
            self.by_uid.insert(meta::text(&object, "uid").to_owned(), (resource, key.clone()));
        }
        self.objects[resource].insert(key.clone(), object.clone());
        self.log.push_back(Change { version, resource, key, before, after: Some(object.clone()) });
        object
    }

    /// Removes an object. The answer bears the version of the removal.
    pub(crate) fn remove(&mut self, resource: ResourceId, key: &str) -> Option<Arc<Value>> {
        let (key, object) = self.objects[resource].remove_entry(key)?;
        self.by_uid.remove(meta::text(&object, "uid"));
        let version = self.version + 1;
        let mut last = Value::clone(&object);
        self.stamp(&mut last);
        let last = Arc::new(last);
        self.log.push_back(Change { version, resource, key, before: Some(object), after: None });
        Some(last)
    }

    fn stamp(&mut self, object: &mut Value) -> u64 {
        self.version += 1;
        set_version(object, self.version);
        self.version
    }

    /// Forgets what happened up to a version.
    pub(crate) fn compact(&mut self, up_to: u64) {
        self.compacted = self.compacted.max(up_to.min(self.version));
        let kept = self.log.partition_point(|change| change.version <= self.compacted);
        self.log.drain(..kept);
    }
}

/// Whether a key is of an object of the namespace; an empty one stands for all.
pub(crate) fn in_namespace(key: &str, namespace: &str) -> bool {
    namespace.is_empty() || key.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('/'))
}

/// Sets the object's version.
pub(crate) fn set_version(object: &mut Value, version: u64) {
    meta::metadata(object).insert("resourceVersion".to_owned(), version.to_string().into());
}
