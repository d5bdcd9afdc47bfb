//! What a client sends and what the server answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads an object or a list.
    Get,
    /// Creates an object.
    Post,
    /// Replaces an object.
    Put,
    /// Changes a part of an object.
    Patch,
    /// Deletes an object.
    Delete,
}

/// What kind of text a request's body is; for a patch it says how the patch is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentType {
    /// `application/json`: a whole object, or the options of a delete.
    #[default]
    Json,
    /// `application/merge-patch+json`
    MergePatch,
    /// `application/json-patch+json`
    JsonPatch,
    /// `application/strategic-merge-patch+json`
    StrategicMergePatch,
    /// `application/apply-patch+yaml`, which this server refuses.
    ApplyPatch,
}

impl ContentType {
    /// The content type of a `Content-Type` header, whatever parameters follow it.
    pub fn from_header(header: &str) -> Option<Self> {
        Some(match header.split(';').next().unwrap_or_default().trim() {
            "" | "application/json" => Self::Json,
            "application/merge-patch+json" => Self::MergePatch,
            "application/json-patch+json" => Self::JsonPatch,
            "application/strategic-merge-patch+json" => Self::StrategicMergePatch,
            "application/apply-patch+yaml" => Self::ApplyPatch,
            _ => return None,
        })
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path of the URL, such as `/api/v1/namespaces/default/pods/web/status`.
    pub path: String,
    /// The parameters of the URL, decoded.
    pub query: BTreeMap<String, String>,
    /// What the body is.
    pub content_type: ContentType,
    /// The client accepts `as=PartialObjectMetadata` (or the list of these) only.
    pub metadata_only: bool,
    /// The body, read as JSON.
    pub body: Option<Value>,
}

impl Request {
    fn new(method: Method, path: impl Into<String>, body: Option<Value>) -> Self {
        Self {
            method,
            path: path.into(),
            query: BTreeMap::new(),
            content_type: ContentType::Json,
            metadata_only: false,
            body,
        }
    }

    /// A GET of an object or a list.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path, None)
    }

    /// A POST of a new object.
    pub fn create(path: impl Into<String>, object: Value) -> Self {
        Self::new(Method::Post, path, Some(object))
    }

    /// A PUT of a whole object.
    pub fn replace(path: impl Into<String>, object: Value) -> Self {
        Self::new(Method::Put, path, Some(object))
    }

    /// A PATCH of that kind.
    pub fn patch(path: impl Into<String>, content_type: ContentType, change: Value) -> Self {
        Self { content_type, ..Self::new(Method::Patch, path, Some(change)) }
    }

    /// A DELETE with these `DeleteOptions`, or none.
    pub fn delete(path: impl Into<String>, options: Option<Value>) -> Self {
        Self::new(Method::Delete, path, options)
    }

    /// The request with one more parameter of its URL.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: impl Into<String>) -> Self {
        self.query.insert(parameter.to_owned(), value.into());
        self
    }

    /// The request of a client that wants metadata only.
    #[must_use]
    pub fn metadata_only(mut self) -> Self {
        self.metadata_only = true;
        self
    }

    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// Whether the client wants the answer and not the effect.
    pub(crate) fn dry_run(&self) -> bool {
        let options = self.body.as_ref().filter(|_| self.method == Method::Delete);
        self.parameter("dryRun") == "All" || options.is_some_and(|options| options["dryRun"][0] == "All")
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The HTTP status code.
    pub code: u16,
    /// The body: an object, a list, or a `Status`.
    pub body: Arc<Value>,
}

impl Reply {
    /// Whether the request was carried out.
    pub fn is_success(&self) -> bool {
        self.code < 300
    }
}
