//! Which operator the Service of the live channel leads to: the one that leads. A standby listens to nobody.

use hooked_core::names;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use thiserror::Error;

use crate::context::FIELD_MANAGER;
use crate::request;

#[derive(Debug, Error)]
pub(super) enum RouteError {
    #[error("the operator's own Pod {0} could not be labelled: {why}; outside of a Pod use --live-advertise-address", why = request::brief(.1))]
    Label(String, #[source] Box<kube::Error>),
    #[error("the Pod of the operator that led before could not be found: {}", request::brief(.0))]
    Find(#[source] Box<kube::Error>),
}

/// Has the Service lead to the operator in the Pod `this`, and no longer to the one that led before.
pub(super) async fn to_operator(client: &Client, namespace: &str, this: &str) -> Result<(), RouteError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    label(&pods, this, &json!("true")).await?;
    let labelled = pods.list_metadata(&ListParams::default().labels(names::LEADER_LABEL)).await;
    for pod in labelled.map_err(|error| RouteError::Find(Box::new(error)))? {
        let name = pod.name_any();
        if name != this {
            label(&pods, &name, &Value::Null).await?;
        }
    }
    Ok(())
}

async fn label(pods: &Api<Pod>, name: &str, value: &Value) -> Result<(), RouteError> {
    let patch = Patch::Merge(json!({"metadata": {"labels": {names::LEADER_LABEL: value}}}));
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match pods.patch_metadata(name, &parameters, &patch).await {
        Ok(_) => Ok(()),
        // The one before may be gone by now.
        Err(error) if value.is_null() && request::is_not_found(&error) => Ok(()),
        Err(error) => Err(RouteError::Label(name.to_owned(), Box::new(error))),
    }
}
