//! PUT and PATCH: changes of objects and of their status.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::check_namespace;
use super::failure::Failure;
use super::path::{Subresource, Target};
use super::policy::Verb;
use super::request::{ContentType, Reply};
use super::{ApiServer, meta, ok, patch, validate};

impl ApiServer {
    pub(super) fn replace(
        &mut self,
        target: &Target<'_>,
        body: &Value,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Reply, Failure> {
        let kind = target.kind();
        check_name(target, body)?;
        check_namespace(target, body)?;
        let old = self.store.get(target.resource, &target.key()).cloned();
        let (asked, stored) =
            (meta::text(body, "uid"), old.as_deref().map_or("", |old| meta::text(old, "uid")));
        let creates = kind.traits.create_on_update && target.subresource == Subresource::None;
        if old.is_none() && !creates {
            return Err(Failure::not_found(kind, target.name));
        }
        if !asked.is_empty() && asked != stored {
            return Err(Failure::other_uid(target, asked, stored));
        }
        match old {
            Some(old) => self.update(target, body.clone(), &old, dry_run),
            None => self.create(target, body.clone(), dry_run, now),
        }
    }

    pub(super) fn patch(
        &mut self,
        target: &Target<'_>,
        change: &Value,
        content_type: ContentType,
        dry_run: bool,
    ) -> Result<Reply, Failure> {
        let old = self.store.get(target.resource, &target.key()).cloned();
        let old = old.ok_or_else(|| Failure::not_found(target.kind(), target.name))?;
        let new = patch::apply(target.kind(), &old, change, content_type)?;
        check_namespace(target, &new)?;
        check_name(target, &new)?;
        self.update(target, new, &old, dry_run)
    }

    /// Puts `new` in the place of `old`, as far as the client may change it.
    pub(super) fn update(
        &mut self,
        target: &Target<'_>,
        mut new: Value,
        old: &Arc<Value>,
        dry_run: bool,
    ) -> Result<Reply, Failure> {
        let kind = target.kind();
        let version = meta::text(old, "resourceVersion");
        match meta::text(&new, "resourceVersion") {
            "" | "0" if !kind.traits.unconditional => return Err(Failure::no_version(kind, target.name)),
            "" | "0" => {}
            read if read != version => return Err(Failure::stale(kind, target.name)),
            _ => {}
        }
        settle(target, &mut new, old);
        validate::update(kind, &new, old, target.subresource == Subresource::None)?;
        self.policies.admit(target, Verb::Update, &new)?;
        if is_last_update(&new, old) {
            if !dry_run {
                self.store.remove(target.resource, &target.key());
            }
            return Ok(ok(200, Arc::new(new)));
        }
        if new == **old {
            return Ok(ok(200, old.clone()));
        }
        let stored =
            if dry_run { Arc::new(new) } else { self.store.put(target.resource, &target.key(), new) };
        Ok(ok(200, stored))
    }

    /// POST of a Pod's `binding`: the scheduler's word where the Pod is to run.
    pub(super) fn bind(
        &mut self,
        target: &Target<'_>,
        binding: &Value,
        now: Timestamp,
    ) -> Result<Reply, Failure> {
        let kind = target.kind();
        let old = self.store.get(target.resource, &target.key()).cloned();
        let old = old.ok_or_else(|| Failure::not_found(kind, target.name))?;
        let uid = meta::text(binding, "uid");
        if !uid.is_empty() && uid != meta::text(&old, "uid") {
            return Err(Failure::other_uid(target, uid, meta::text(&old, "uid")));
        }
        let refuse = |why: &str| Err(Failure::conflict(kind, target.name, why));
        if meta::is_terminating(&old) {
            return refuse(&format!("pod {} is being deleted, cannot be assigned to a host", target.name));
        }
        if let Some(node) = old["spec"]["nodeName"].as_str() {
            return refuse(&format!("pod {} is already assigned to node {node:?}", target.name));
        }
        let mut new = Value::clone(&old);
        new["spec"]["nodeName"] = binding["target"]["name"].clone();
        let scheduled =
            json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": meta::shown(now)});
        new["status"]["conditions"] = json!([scheduled]);
        self.store.put(target.resource, &target.key(), new);
        let done =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(ok(201, Arc::new(done)))
    }
}

/// The body names the object that the path names.
fn check_name(target: &Target<'_>, object: &Value) -> Result<(), Failure> {
    let (name, asked) = (meta::text(object, "name"), target.name);
    if name == asked {
        return Ok(());
    }
    let message = format!("the name of the object ({name}) does not match the name on the URL ({asked})");
    Err(Failure::bad_request(message))
}

/// Undoes what a client cannot change by this request.
fn settle(target: &Target<'_>, new: &mut Value, old: &Value) {
    let kind = target.kind();
    if !kind.traits.custom {
        meta::drop_nulls(new);
    }
    match (target.subresource, kind.kind) {
        (Subresource::Status, "Pod") => {
            take_field(new, old, "spec");
            meta::take_over(new, old, "ownerReferences");
        }
        (Subresource::Status, _) => {
            let status = new.get("status").cloned();
            new.clone_from(old);
            if let (Some(fields), Some(status)) = (new.as_object_mut(), status) {
                fields.insert("status".to_owned(), status);
            }
        }
        _ if kind.status => take_field(new, old, "status"),
        _ => {}
    }
    meta::tidy(new);
    for field in ["kind", "apiVersion"] {
        take_field(new, old, field);
    }
    for field in ["resourceVersion", "creationTimestamp", "generation"] {
        meta::take_over(new, old, field);
    }
    for field in ["uid", "namespace"] {
        if meta::text(new, field).is_empty() {
            meta::take_over(new, old, field);
        }
    }
    // An update can never remove or change a deletion.
    if meta::is_terminating(old) {
        meta::take_over(new, old, "deletionTimestamp");
        if meta::grace(new).is_none() {
            meta::take_over(new, old, "deletionGracePeriodSeconds");
        }
    }
    if kind.traits.generation && target.subresource != Subresource::Status && is_new_generation(new, old) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
        meta::metadata(new).insert("generation".to_owned(), generation.into());
    }
}

fn take_field(new: &mut Value, old: &Value, field: &str) {
    let Some(fields) = new.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => drop(fields.insert(field.to_owned(), value.clone())),
        None => drop(fields.remove(field)),
    }
}

/// Whether anything else than metadata and status has changed.
fn is_new_generation(new: &Value, old: &Value) -> bool {
    let wanted = |object: &Value| {
        let fields = object.as_object().into_iter().flatten();
        fields.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status")).count()
    };
    let counted = new.as_object().into_iter().flatten();
    let mut counted = counted.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status"));
    wanted(new) != wanted(old) || counted.any(|(field, value)| old.get(field) != Some(value))
}

/// Whether the update takes the last finalizer of an object that only waits for that.
fn is_last_update(new: &Value, old: &Value) -> bool {
    meta::items(new, "finalizers").is_empty()
        && meta::is_terminating(old)
        && meta::grace(old).unwrap_or_default() == 0
}
