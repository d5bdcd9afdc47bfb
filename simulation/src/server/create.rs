//! POST: new objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::Failure;
use super::path::{Target, key};
use super::policy::Verb;
use super::request::Reply;
use super::{ApiServer, defaults, meta, ok, validate};

impl ApiServer {
    pub(super) fn create(
        &mut self,
        target: &Target<'_>,
        mut object: Value,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Reply, Failure> {
        check_namespace(target, &object)?;
        let stem = meta::text(&object, "generateName").to_owned();
        let asked = meta::text(&object, "name").to_owned();
        self.policies.namespace(target, if asked.is_empty() { &stem } else { &asked })?;
        let name = self.name(target, asked, &stem);
        self.prepare(target, &mut object, &name, now);
        validate::create(target.kind(), &object)?;
        self.policies.admit(target, Verb::Create, &object)?;
        self.policies.room(target, &name, &self.store)?;
        let key = key(target.namespace, &name);
        if self.store.get(target.resource, &key).is_some() {
            return Err(Failure::already_exists(target.kind(), &name));
        }
        let stored = if dry_run { Arc::new(object) } else { self.store.put(target.resource, &key, object) };
        Ok(ok(201, stored))
    }

    /// The name that was asked for, or a generated one that is free.
    fn name(&mut self, target: &Target<'_>, asked: String, stem: &str) -> String {
        if !asked.is_empty() || stem.is_empty() {
            return asked;
        }
        // With its suffix the name is at most 63 bytes long.
        let stem = stem.get(..58).unwrap_or(stem);
        loop {
            let name = format!("{stem}{}", self.next_suffix());
            if self.store.get(target.resource, &key(target.namespace, &name)).is_none() {
                return name;
            }
        }
    }

    /// Makes a client's object one of this server's.
    pub(super) fn prepare(&mut self, target: &Target<'_>, object: &mut Value, name: &str, now: Timestamp) {
        let kind = target.kind();
        if !kind.traits.custom {
            meta::drop_nulls(object);
        }
        meta::tidy(object);
        object["kind"] = kind.kind.into();
        object["apiVersion"] = kind.api_version().into();
        let fields = meta::metadata(object);
        for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
            fields.remove(field);
        }
        fields.insert("name".to_owned(), name.into());
        if kind.namespaced {
            fields.insert("namespace".to_owned(), target.namespace.into());
        }
        fields.insert("uid".to_owned(), self.next_uid().into());
        fields.insert("creationTimestamp".to_owned(), meta::shown(now));
        if kind.traits.generation {
            fields.insert("generation".to_owned(), json!(1));
        }
        defaults::fill(kind, object);
        let status = defaults::status(kind, object);
        if let (true, Value::Object(fields)) = (kind.status, object) {
            fields.remove("status");
            fields.extend(status.map(|status| ("status".to_owned(), status)));
        }
    }
}

/// The body may name no other namespace than the path.
pub(super) fn check_namespace(target: &Target<'_>, object: &Value) -> Result<(), Failure> {
    let namespace = meta::text(object, "namespace");
    if namespace.is_empty() || namespace == target.namespace {
        return Ok(());
    }
    Err(Failure::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}
