//! Answers that are no success: `Status` objects, worded as Kubernetes words them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::path::Target;
use super::request::Reply;
use super::resources::Resource;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) details: Value,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// `FieldValueInvalid`, `FieldValueRequired`, `FieldValueForbidden`
    kind: &'static str,
    field: String,
    body: String,
}

impl FieldError {
    /// `value` is told as JSON, as the API server tells strings and numbers.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let body = format!("Invalid value: {value}: {detail}");
        Self { kind: "FieldValueInvalid", field: field.into(), body }
    }

    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let colon = if detail.is_empty() { "" } else { ": " };
        let body = format!("Required value{colon}{detail}");
        Self { kind: "FieldValueRequired", field: field.into(), body }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { kind: "FieldValueForbidden", field: field.into(), body: format!("Forbidden: {detail}") }
    }
}

fn details(of: &Resource, kind: &str, name: &str) -> Value {
    let mut details = Map::new();
    for (field, value) in [("name", name), ("group", of.group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(field.to_owned(), value.into());
        }
    }
    Value::Object(details)
}

impl Failure {
    fn new(code: u16, reason: &str, message: String, details: Value) -> Self {
        Self { code, reason: reason.to_owned(), message, details }
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource".to_owned(), json!({}))
    }

    pub(crate) fn not_found(of: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", of.qualified());
        Self::new(404, "NotFound", message, details(of, of.plural, name))
    }

    pub(crate) fn already_exists(of: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", of.qualified());
        Self::new(409, "AlreadyExists", message, details(of, of.plural, name))
    }

    pub(crate) fn conflict(of: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", of.qualified());
        Self::new(409, "Conflict", message, details(of, of.plural, name))
    }

    /// A precondition of a delete, for which the API server names the kind in place of the resource.
    pub(crate) fn precondition(of: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", of.qualified_kind());
        Self::new(409, "Conflict", message, details(of, of.kind, name))
    }

    /// The version that the client has read is not the latest.
    pub(crate) fn stale(of: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(of, name, why)
    }

    /// The UID that a PUT carries is another one than the object's, which is empty if there is no object.
    pub(crate) fn other_uid(target: &Target<'_>, asked: &str, stored: &str) -> Self {
        let group = target.kind().group;
        let root = if target.kind().traits.custom { format!("{group}/") } else { String::new() };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{root}{}{}{}/{}, ResourceVersion: 0, \
             AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {stored}",
            target.kind().plural,
            if target.kind().namespaced { "/" } else { "" },
            target.namespace,
            target.name,
        );
        Self::conflict(target.kind(), target.name, &why)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into(), Value::Null)
    }

    pub(crate) fn invalid(of: &Resource, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_as(&of.qualified_kind(), of.kind, of, name, errors)
    }

    /// A PUT without a version, for which the API server names the resource in place of the kind.
    pub(crate) fn no_version(of: &Resource, name: &str) -> Self {
        let error = FieldError {
            kind: "FieldValueInvalid",
            field: "metadata.resourceVersion".to_owned(),
            body: "Invalid value: 0: must be specified for an update".to_owned(),
        };
        Self::invalid_as(&of.qualified(), of.plural, of, name, &[error])
    }

    fn invalid_as(qualified: &str, kind: &str, of: &Resource, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.body)).collect();
        let all = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        let mut details = details(of, kind, name);
        details["causes"] = errors
            .iter()
            .map(|error| json!({"reason": error.kind, "message": error.body, "field": error.field}))
            .collect();
        Self::new(422, "Invalid", format!("{qualified} {name:?} is invalid: {all}"), details)
    }

    /// A JSON patch that does not apply: its failed test, or a place that is not there.
    pub(crate) fn patch_does_not_apply() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message.to_owned(), json!({}))
    }

    pub(crate) fn forbidden(of: &Resource, name: &str, why: &str) -> Self {
        let named = if name.is_empty() { of.qualified() } else { format!("{} {name:?}", of.qualified()) };
        let message = format!("{named} is forbidden: {why}");
        Self::new(403, "Forbidden", message, details(of, of.plural, name))
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message.to_owned(), json!({}))
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let accepted = accepted.join(", ");
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(415, "UnsupportedMediaType", message, json!({}))
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message.into(), Value::Null)
    }

    /// An answer of an admission plugin or of anything else before the registry.
    pub(crate) fn other(code: u16, reason: &str, message: &str) -> Self {
        Self::new(code, reason, message.to_owned(), json!({}))
    }

    /// The `Status` object that tells of it.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    pub(crate) fn reply(&self) -> Reply {
        Reply { code: self.code, body: Arc::new(self.status()) }
    }
}

/// The `Status` of a delete after which the object is gone.
pub(crate) fn deleted(of: &Resource, name: &str, uid: &str) -> Value {
    let mut details = details(of, of.plural, name);
    details["uid"] = uid.into();
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
