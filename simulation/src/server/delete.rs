//! DELETE: graceful deletion and finalizers.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::{self, Failure};
use super::path::Target;
use super::policy::Verb;
use super::request::{Reply, Request};
use super::{ApiServer, meta, ok};

/// What becomes of an object's dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Propagation {
    /// What the object's finalizers say, which is nothing for most: in the background.
    Unsaid,
    Background,
    Foreground,
    Orphan,
}

/// The options of a delete.
#[derive(Clone, Debug)]
pub(super) struct Options {
    uid: Option<String>,
    version: Option<String>,
    grace: Option<i64>,
    propagation: Propagation,
    dry_run: bool,
}

impl Options {
    fn read(request: &Request) -> Result<Self, Failure> {
        let body = request.body.as_ref().unwrap_or(&Value::Null);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let grace = request.query.get("gracePeriodSeconds").and_then(|seconds| seconds.parse().ok());
        let policy = body["propagationPolicy"].as_str().unwrap_or(request.parameter("propagationPolicy"));
        let propagation = match policy {
            "" => Propagation::Unsaid,
            "Background" => Propagation::Background,
            "Foreground" => Propagation::Foreground,
            "Orphan" => Propagation::Orphan,
            other => return Err(unknown_propagation(other)),
        };
        Ok(Self {
            uid: text(&body["preconditions"]["uid"]),
            version: text(&body["preconditions"]["resourceVersion"]),
            // A negative period is one second.
            grace: body["gracePeriodSeconds"]
                .as_i64()
                .or(grace)
                .map(|seconds| if seconds < 0 { 1 } else { seconds }),
            propagation,
            dry_run: request.dry_run(),
        })
    }

    /// What the garbage collector asks for.
    pub(super) fn collect(object: &Value, propagation: Propagation) -> Self {
        let uid = Some(meta::text(object, "uid").to_owned());
        Self { uid, version: None, grace: None, propagation, dry_run: false }
    }
}

fn unknown_propagation(policy: &str) -> Failure {
    let (field, known) = ("propagationPolicy", "\"Foreground\", \"Background\", \"Orphan\", \"nil\"");
    let why = format!("Unsupported value: {policy:?}: supported values: {known}");
    let message = format!("DeleteOptions.meta.k8s.io \"\" is invalid: {field}: {why}");
    let mut failure = Failure::other(422, "Invalid", &message);
    let cause = json!({"reason": "FieldValueNotSupported", "message": why, "field": field});
    failure.details = json!({"group": "meta.k8s.io", "kind": "DeleteOptions", "causes": [cause]});
    failure
}

/// How an object goes.
enum Course {
    /// A graceful deletion under way, which this delete does not shorten.
    Pending,
    /// The object shows its deletion first, and goes after so many seconds.
    Graceful(i64),
    /// No grace is known for it.
    Now,
}

impl ApiServer {
    pub(super) fn delete(
        &mut self,
        target: &Target<'_>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reply, Failure> {
        self.delete_with(target, &Options::read(request)?, now)
    }

    pub(super) fn delete_with(
        &mut self,
        target: &Target<'_>,
        options: &Options,
        now: Timestamp,
    ) -> Result<Reply, Failure> {
        let kind = target.kind();
        let old = self.store.get(target.resource, &target.key()).cloned();
        let old = old.ok_or_else(|| Failure::not_found(kind, target.name))?;
        check_preconditions(target, options, &old)?;
        let mut new = Value::clone(&old);
        let course = course(target, &mut new, options, now);
        if matches!(course, Course::Pending) {
            return Ok(self.gone(target, &old));
        }
        self.policies.admit(target, Verb::Delete, &old)?;
        set_dependents_finalizers(&mut new, options.propagation);
        let waits = !meta::items(&new, "finalizers").is_empty();
        if matches!(course, Course::Now) && waits {
            mark(&mut new, now);
        }
        let shown = waits || matches!(course, Course::Graceful(_));
        let last = if shown { self.show(target, new, &old, options.dry_run) } else { old };
        if waits || matches!(course, Course::Graceful(1..)) {
            return Ok(ok(200, last));
        }
        if options.dry_run {
            return Ok(self.gone(target, &last));
        }
        let last = self.store.remove(target.resource, &target.key()).unwrap_or(last);
        Ok(self.gone(target, &last))
    }

    /// Stores the object with its deletion, unless it shows that already.
    fn show(&mut self, target: &Target<'_>, new: Value, old: &Arc<Value>, dry_run: bool) -> Arc<Value> {
        if new == **old {
            old.clone()
        } else if dry_run {
            Arc::new(new)
        } else {
            self.store.put(target.resource, &target.key(), new)
        }
    }

    /// The answer about an object that is gone, or that nothing more can be done about.
    #[allow(clippy::unused_self)] // The registry of a resource answers, and reads as one.
    fn gone(&self, target: &Target<'_>, last: &Arc<Value>) -> Reply {
        let kind = target.kind();
        if kind.traits.returns_deleted {
            return ok(200, last.clone());
        }
        ok(200, Arc::new(failure::deleted(kind, target.name, meta::text(last, "uid"))))
    }
}

fn check_preconditions(target: &Target<'_>, options: &Options, object: &Value) -> Result<(), Failure> {
    let checks = [
        ("UID", &options.uid, "uid", "The object might have been deleted and then recreated"),
        ("ResourceVersion", &options.version, "resourceVersion", "The object might have been modified"),
    ];
    for (what, asked, field, perhaps) in checks {
        let stored = meta::text(object, field);
        if let Some(asked) = asked.as_deref().filter(|asked| *asked != stored) {
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({stored}). {perhaps}"
            );
            return Err(Failure::precondition(target.kind(), target.name, &why));
        }
    }
    Ok(())
}

/// Decides how the object goes, and notes a graceful deletion in it. Only Pods know grace.
fn course(target: &Target<'_>, object: &mut Value, options: &Options, now: Timestamp) -> Course {
    if target.kind().kind != "Pod" {
        return Course::Now;
    }
    if let Some(deletion) = meta::deletion(object) {
        let Some(grace) = meta::grace(object).filter(|grace| *grace != 0) else { return Course::Now };
        // A deletion under way may only be shortened.
        let Some(shorter) = options.grace.filter(|shorter| *shorter < grace) else { return Course::Pending };
        let (deletion, shorter) = shortened(meta::later(deletion, shorter - grace), shorter, now);
        set_deletion(object, deletion, shorter);
        return Course::Graceful(shorter);
    }
    let spec = &object["spec"];
    let has_ended = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let runs = !spec["nodeName"].as_str().unwrap_or_default().is_empty() && !has_ended;
    let own = spec["terminationGracePeriodSeconds"].as_i64().unwrap_or_default();
    let grace = options.grace.unwrap_or(if own < 0 { 1 } else { own });
    let grace = if runs { grace } else { 0 };
    set_deletion(object, meta::later(now, grace), grace);
    next_generation(object);
    Course::Graceful(grace)
}

/// No deletion is moved into the past. One that would be, and is not to end at once, still has a second.
fn shortened(deletion: Timestamp, grace: i64, now: Timestamp) -> (Timestamp, i64) {
    if deletion < now { (now, grace.min(1)) } else { (deletion, grace) }
}

/// Marks an object without grace as deleted, for those whose finalizers it waits for.
fn mark(object: &mut Value, now: Timestamp) {
    if !meta::is_terminating(object) {
        next_generation(object);
    }
    let deletion = meta::deletion(object).filter(|deletion| *deletion <= now).unwrap_or(now);
    set_deletion(object, deletion, 0);
}

fn set_deletion(object: &mut Value, deletion: Timestamp, grace: i64) {
    let fields = meta::metadata(object);
    fields.insert("deletionTimestamp".to_owned(), meta::shown(deletion));
    fields.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
}

fn next_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"].as_i64().filter(|generation| *generation > 0) {
        meta::metadata(object).insert("generation".to_owned(), (generation + 1).into());
    }
}

/// Sets the finalizers by which the garbage collector is told of the dependents.
fn set_dependents_finalizers(object: &mut Value, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Unsaid => return,
        Propagation::Background => None,
        Propagation::Foreground => Some(meta::FOREGROUND),
        Propagation::Orphan => Some(meta::ORPHAN),
    };
    let has_others = [meta::FOREGROUND, meta::ORPHAN]
        .into_iter()
        .any(|one| meta::has_finalizer(object, one) != (wanted == Some(one)));
    if has_others {
        let others = meta::items(object, "finalizers").iter();
        let kept = others.filter(|one| *one != meta::FOREGROUND && *one != meta::ORPHAN).cloned();
        let finalizers = kept.chain(wanted.map(Value::from)).collect();
        meta::set_finalizers(object, finalizers);
    }
}
