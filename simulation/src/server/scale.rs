//! The subresource `scale`: how many replicas are asked for and there.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::Failure;
use super::path::{Subresource, Target};
use super::request::{Method, Reply, Request};
use super::{ApiServer, meta, ok, patch};

impl ApiServer {
    pub(super) fn scale(&mut self, target: &Target<'_>, request: &Request) -> Result<Reply, Failure> {
        let kind = target.kind();
        let old = self.store.get(target.resource, &target.key()).cloned();
        let old = old.ok_or_else(|| Failure::not_found(kind, target.name))?;
        let was = scale_of(&old);
        let body = request.body.as_ref().unwrap_or(&Value::Null);
        let asked = match request.method {
            Method::Put => body.clone(),
            Method::Patch => patch::apply(kind, &was, body, request.content_type)?,
            _ => return Ok(ok(200, Arc::new(was))),
        };
        let version = meta::text(&asked, "resourceVersion");
        if !version.is_empty() && version != meta::text(&old, "resourceVersion") {
            return Err(Failure::stale(kind, target.name));
        }
        let mut new = Value::clone(&old);
        meta::child(&mut new, "spec")
            .insert("replicas".to_owned(), asked["spec"]["replicas"].as_i64().unwrap_or_default().into());
        let whole = Target { subresource: Subresource::None, ..target.clone() };
        let stored = self.update(&whole, new, &old, request.dry_run())?;
        Ok(ok(200, Arc::new(scale_of(&stored.body))))
    }
}

fn scale_of(object: &Value) -> Value {
    let mut metadata = serde_json::Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !object["metadata"][field].is_null() {
            metadata.insert(field.to_owned(), object["metadata"][field].clone());
        }
    }
    let mut status = json!({"replicas": object["status"]["replicas"].as_i64().unwrap_or_default()});
    if let Some(selector) = selector(object) {
        status["selector"] = selector.into();
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": object["spec"]["replicas"].as_i64().unwrap_or_default()},
        "status": status,
    })
}

/// A custom resource tells its selector in its status, the others in their spec.
fn selector(object: &Value) -> Option<String> {
    if let Some(selector) = object["status"]["selector"].as_str() {
        return Some(selector.to_owned());
    }
    let labels = object["spec"]["selector"]["matchLabels"].as_object()?;
    let pairs: Vec<_> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    Some(pairs.join(","))
}
