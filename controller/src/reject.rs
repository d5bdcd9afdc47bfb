//! Telling a workload that it cannot be carried out: one bad object must be seen, and must not hurt another. One that is
//! deleted goes all the same.

use std::time::Duration;

use hooked_core::status::{invalid, newly_invalid};
use hooked_core::workload::plan::evacuate;
use hooked_core::workload::snapshot::Leaving;
use hooked_core::workload::template::Owner;
use hooked_crd::HookedWorkload;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::Resource;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use kube::core::error_boundary::InvalidObject;
use kube_runtime::controller::Action;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::apply::{ApplyError, Site, remove};
use crate::commit::{WriteError, write};
use crate::confirm::confirm;
use crate::context::Context;
use crate::hold::{HoldError, is_held, let_go};
use crate::publish::{publish_blind_farewell, publish_invalid};
use crate::reconcile::ReconcileError;
use crate::request;

#[derive(Debug, Error)]
pub(crate) enum RejectError {
    #[error("a workload that cannot be carried out could not be read: {}", request::brief(.0))]
    Read(#[source] kube::Error),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error("a workload could not be told that it cannot be carried out: {0}")]
    Write(#[from] WriteError),
}

/// A workload that cannot be carried out, and why.
pub(crate) struct Rejected<'a> {
    metadata: &'a ObjectMeta,
    message: String,
}

impl<'a> Rejected<'a> {
    /// The API server has accepted it, and it cannot be decoded.
    pub(crate) fn of_undecodable(invalid: &'a InvalidObject) -> Self {
        let message = format!("the object cannot be read: {}", invalid.error);
        Self { metadata: &invalid.metadata, message }
    }

    /// It is decoded, and a part of it makes no sense.
    pub(crate) fn of(workload: &'a HookedWorkload, error: &ReconcileError) -> Self {
        Self { metadata: &workload.metadata, message: error.to_string() }
    }
}

/// Which field cannot be read, and why; none if all can.
fn unreadable_field(object: &DynamicObject) -> Option<String> {
    let value = serde_json::to_value(object).ok()?;
    let error = serde_path_to_error::deserialize::<_, HookedWorkload>(value).err()?;
    Some(format!("{} cannot be read: {}; correct it and apply the object again", error.path(), error.inner()))
}

/// Writes the reason into the conditions. The rest of the status, what is counted above all, stays as it is.
pub(crate) async fn reject(context: &Context, rejected: &Rejected<'_>) -> Result<Action, RejectError> {
    let Rejected { metadata, message } = rejected;
    if let Some(leaving) = context.leaving(metadata) {
        return leave(context, rejected, leaving).await;
    }
    let (namespace, Owner { name, uid }) = identity(metadata);
    context.metrics.publish_invalid(&namespace, &name);

    let kind = ApiResource::erase::<HookedWorkload>(&());
    let workloads: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &namespace, &kind);
    let current = match workloads.get_opt(&name).await.map_err(RejectError::Read)? {
        Some(current) if current.metadata.uid == metadata.uid => current,
        _ => return Ok(Action::await_change()),
    };
    let message = &unreadable_field(&current).unwrap_or_else(|| message.clone());
    let Some(Told { status, news }) = told(&current, message, Timestamp::now()) else {
        return Ok(Action::await_change());
    };
    tracing::warn!(namespace, name, message, "a workload cannot be carried out");
    let version = current.metadata.resource_version.as_deref().unwrap_or_default();
    match write(context, &namespace, &name, &uid, version, &status).await {
        Ok(_) => {
            context.overlays.lock().remove(&uid);
            if let Some(stalled) = news {
                publish_invalid(context, &current.object_ref(&kind), &stalled).await;
            }
            Ok(Action::await_change())
        }
        // It has changed meanwhile: the watch shows it, and it may be well again.
        Err(WriteError::Request(error)) if request::is_conflict(&error) || request::is_not_found(&error) => {
            Ok(Action::await_change())
        }
        Err(error) => Err(error.into()),
    }
}

/// What a workload that cannot be carried out is told.
struct Told {
    status: Value,
    /// The condition that says so, if it is the first time.
    news: Option<Condition>,
}

/// The status with the reason in its conditions; none if it is there.
fn told(current: &DynamicObject, message: &str, now: Timestamp) -> Option<Told> {
    let mut status = current.data.get("status").cloned().unwrap_or_else(|| json!({}));
    let previous: Vec<Condition> =
        status.get("conditions").and_then(|known| Vec::deserialize(known).ok()).unwrap_or_default();
    let generation = current.metadata.generation.unwrap_or_default();
    let conditions = invalid(&previous, generation, message, now);
    let news = newly_invalid(&previous, &conditions).cloned();
    let conditions = json!(conditions);
    if status.get("conditions") == Some(&conditions)
        && status.get("observedGeneration") == Some(&json!(generation))
    {
        return None;
    }
    if let Value::Object(fields) = &mut status {
        fields.insert("conditions".to_owned(), conditions);
        fields.insert("observedGeneration".to_owned(), json!(generation));
    }
    Some(Told { status, news })
}

fn identity(metadata: &ObjectMeta) -> (String, Owner) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let owner = Owner { name: text(&metadata.name), uid: text(&metadata.uid) };
    (text(&metadata.namespace), owner)
}

/// How soon it is looked again for Pods that a workload which cannot be read leaves with.
const LEAVING_RETRY: Duration = Duration::from_secs(2);

/// Stops its Pods without counting, lets them go when they have ended, and then the workload.
async fn leave(context: &Context, rejected: &Rejected<'_>, leaving: Leaving) -> Result<Action, RejectError> {
    let Rejected { metadata, message } = rejected;
    if !is_held(metadata) {
        return Ok(Action::await_change());
    }
    let (namespace, owner) = identity(metadata);
    let pods = context.index.pods(&namespace, &owner);
    let (namespace, owner, pods) = (&*namespace, &owner, &pods);
    let site = Site { client: &context.client, namespace, owner, pods, live: &context.live };
    confirm(site, None).await?;
    let plan = evacuate(&pods.lock(), leaving, Timestamp::now());
    remove(site, &plan).await?;
    if !plan.let_go {
        return Ok(Action::requeue(LEAVING_RETRY));
    }
    let version = metadata.resource_version.as_deref().unwrap_or_default();
    if let_go(context, metadata, version).await? {
        let mut workload = DynamicObject::new("", &ApiResource::erase::<HookedWorkload>(&()));
        workload.metadata = (*metadata).clone();
        let reference = workload.object_ref(&ApiResource::erase::<HookedWorkload>(&()));
        publish_blind_farewell(context, &reference, message).await;
    }
    Ok(Action::await_change())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(generation: i64, status: &Value) -> DynamicObject {
        let object = json!({
            "apiVersion": "hooked.dev/v1alpha1",
            "kind": "HookedWorkload",
            "metadata": {"name": "web", "generation": generation},
            "status": status,
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_workload_that_cannot_be_read_is_told_when_it_is_news_and_an_event_says_so_once() {
        let told = |workload: &DynamicObject| told(workload, "a field is wrong", Timestamp::UNIX_EPOCH);
        let first = told(&workload(1, &json!({"ledger": {"version": 99}}))).unwrap();
        assert_eq!(first.status["ledger"], json!({"version": 99}));
        assert_eq!(first.news.map(|stalled| stalled.message).as_deref(), Some("a field is wrong"));
        assert!(told(&workload(1, &first.status)).is_none());
        let changed = told(&workload(2, &first.status)).unwrap();
        assert_eq!(changed.status["observedGeneration"], 2);
        assert!(changed.news.is_none(), "{:?}", changed.news);
    }
}
